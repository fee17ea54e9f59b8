import { FIFO_CASES } from './conformance-fifo';
import { MESSAGE_CASES } from './conformance-messages';
import { QUEUE_CASES } from './conformance-queues';
import { TIME_CASES } from './conformance-time';
import { Probe, type ServerUnderTest } from './probe';

/** What a server must do, by the sentence that says it. */
export type Cases = Readonly<Record<string, (sqs: Probe) => Promise<void>>>;

function runCases(
  name: string,
  cases: Cases,
  start: () => Promise<ServerUnderTest>,
  expectedFailures: readonly string[],
): void {
  describe(name, () => {
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
      expect(expectedFailures.filter((title) => !Object.hasOwn(cases, title))).toEqual([]);
    });

    for (const [title, run] of Object.entries(cases)) {
      if (!expectedFailures.includes(title)) test(title, () => run(probe));
      else test(`known gap: ${title}`, () => expect(run(probe)).rejects.toThrow());
    }
  });
}

/**
 * Runs what SQS documents against a server. `expectedFailures` names the cases that this server is known
 * to fail; one that passes fails the run. Time is moved where the server can, waited for where it can't.
 */
export function sqsConformance(
  name: string,
  start: () => Promise<ServerUnderTest>,
  expectedFailures: readonly string[],
): void {
  const cases = { ...QUEUE_CASES, ...MESSAGE_CASES, ...FIFO_CASES };
  runCases(`SQS as documented: ${name}`, cases, start, expectedFailures);
}

/** Runs what SQS documents about minutes and days, against a server whose time can be moved. */
export function sqsTimeConformance(name: string, start: () => Promise<Required<ServerUnderTest>>): void {
  runCases(`SQS as documented over minutes and days: ${name}`, TIME_CASES, start, []);
}
