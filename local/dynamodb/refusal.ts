import type db from 'dynalite/db/index.js';

/** A request that the service refuses, as its error answer will say it. */
export class Refusal extends Error {
  /** Units that the request used up although it was refused. */
  readUnits = 0;
  writeUnits = 0;

  constructor(
    /** Exception name, such as `ValidationException`. */
    readonly code: string,
    message: string,
    /** Further members of the answer's body. */
    readonly extra: object = {},
    readonly statusCode = 400,
  ) {
    super(message);
  }
}

export function invalid(message: string): Refusal {
  return new Refusal('ValidationException', message);
}

/** What dynalite throws or calls back with, as a {@link Refusal} where it is an answer and not a defect. */
export function asRefusal(error: unknown): unknown {
  const { statusCode, body } = error as db.DynaliteError;
  if (error instanceof Refusal || statusCode === undefined || body === undefined) return error;
  const { __type, message, Message, ...extra } = body;
  return new Refusal(__type.slice(__type.indexOf('#') + 1), String(message ?? Message ?? ''), extra, statusCode);
}

/** The result of an action of dynalite that is known to call back before it returns. */
export function resultOf<T>(run: (callback: db.Callback<T>) => void): T {
  let outcome: { error?: db.DynaliteError | null; result?: T } | undefined;
  run((error, result) => {
    outcome = { error, result };
  });
  if (outcome === undefined) throw new Error('the action did not finish in one step');
  if (outcome.error) throw asRefusal(outcome.error);
  return outcome.result as T;
}
