import type { ServiceClock } from '../clock';
import { type Change, changeOperations } from './change';
import { Database, type Operation } from './database';
import { Expiry } from './expiry';
import { findTable } from './tables';
import type { Usage } from './usage';

/** Everything that the operations work on. */
export class Engine {
  private constructor(
    readonly clock: ServiceClock,
    readonly database: Database,
    readonly expiry: Expiry,
  ) {}

  /** Opens the tables in `dir`, or none in memory. */
  static async open(clock: ServiceClock, dir?: string): Promise<Engine> {
    const database = await Database.open(dir);
    const expiry = new Expiry(database, clock, (name) => findTable(database, name));
    await expiry.start();
    return new Engine(clock, database, expiry);
  }

  /** Everything that a change writes, as one; counts the units of the indexes. */
  operations(change: Change, usage: Usage): Operation[] {
    return [...changeOperations(change, usage), ...this.expiry.operations(change)];
  }

  /** Stops expiring, lets what is being written finish, and closes the database. */
  async close(): Promise<void> {
    await this.expiry.stop();
    await this.database.close();
  }
}
