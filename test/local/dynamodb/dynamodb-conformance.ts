import { CAPACITY_CASES } from './conformance-capacity';
import { EXPRESSION_CASES } from './conformance-expressions';
import { ITEM_CASES } from './conformance-items';
import { QUERY_CASES } from './conformance-queries';
import { TABLE_CASES } from './conformance-tables';
import { TRANSACTION_CASES } from './conformance-transactions';
import { Probe, type ServerUnderTest } from './probe';

/** What a server must do, by the sentence that says it. */
export type Cases = Readonly<Record<string, (db: Probe) => Promise<void>>>;

const CASES: Cases = {
  ...TABLE_CASES,
  ...ITEM_CASES,
  ...EXPRESSION_CASES,
  ...QUERY_CASES,
  ...TRANSACTION_CASES,
  ...CAPACITY_CASES,
};

/**
 * Runs what DynamoDB documents against a server. `expectedFailures` names the cases that this server is known to
 * fail; one that passes fails the run.
 */
export function dynamoDbConformance(
  name: string,
  start: () => Promise<ServerUnderTest>,
  expectedFailures: readonly string[],
): void {
  describe(`DynamoDB as documented: ${name}`, () => {
    let server: ServerUnderTest;
    let probe: Probe;

    beforeAll(async () => {
      server = await start();
      probe = new Probe(server);
    });

    afterAll(async () => {
      probe?.client.destroy();
      await server?.stop();
    });

    test('every known gap names a case', () => {
      expect(expectedFailures.filter((title) => !Object.hasOwn(CASES, title))).toEqual([]);
    });

    for (const [title, run] of Object.entries(CASES)) {
      if (!expectedFailures.includes(title)) test(title, () => run(probe));
      else test(`known gap: ${title}`, () => expect(run(probe)).rejects.toThrow());
    }
  });
}
