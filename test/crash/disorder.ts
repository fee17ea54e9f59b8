import { createHash } from 'node:crypto';
import type { AwsCall, Interceptor } from '../../local/aws-call';
import { functionOfAccessKey } from '../../local/functions/lambda-function';
import { describeCall, throttling } from './fault-answers';
import { randomOf } from './random';
import { Tags } from './tags';

/** Milliseconds that a call takes on its way, and its answer on the way back, at most. */
const LATENCY = 12;
/** By how much a hint may be late, so that others overtake it. */
const LATE_HINT = 60;
/** Attempts that the SDK makes of one call. */
const SDK_ATTEMPTS = 4;

/**
 * Makes the calls of the functions late, lost, throttled and double as its seed says: of each call by what it does
 * to which message for the how manieth time, so that a seed means the same whenever it is played. Hints arrive
 * twice or out of order, and some that are at work are received once more meanwhile.
 */
export class Disorder {
  private readonly tags = new Tags();
  private readonly counts = new Map<string, number>();
  /** Calls that are throttled each time the SDK repeats them, and how often still. */
  private readonly throttled = new Map<string, number>();
  /** How often it has done what. */
  readonly done = { throttled: 0, lost: 0, doubled: 0, shownAgain: 0 };

  constructor(private readonly seed: number) {}

  readonly intercept: Interceptor = async (call, execute) => {
    if (functionOfAccessKey(call.accessKeyId) === call.accessKeyId) return execute();
    const random = this.randomFor(call);
    const input = JSON.stringify(call.input);
    const left = this.throttled.get(input) ?? 0;
    if (left > 0) {
      this.throttled.set(input, left - 1);
      return throttling(call);
    }
    await pause(random() < 0.5 ? LATENCY * random() : 0);
    const fate = random();
    if (fate < 0.035) {
      this.done.throttled++;
      if (fate < 0.005) this.throttled.set(input, SDK_ATTEMPTS - 1);
      return throttling(call);
    }
    if (call.operation === 'ChangeMessageVisibilityBatch' && random() < 0.15) {
      this.done.shownAgain++;
      showAgain(call);
    }
    if (call.operation === 'SendMessage') {
      if (random() < 0.3) await pause(LATE_HINT * random());
      if (random() < 0.12) {
        this.done.doubled++;
        await execute();
      }
    }
    const answer = await execute();
    await pause(random() < 0.5 ? LATENCY * random() : 0);
    if (fate > 0.045) return answer;
    this.done.lost++;
    return 'dropped';
  };

  private randomFor(call: AwsCall): () => number {
    const name = `${functionOfAccessKey(call.accessKeyId)} ${describeCall(call)} ${this.tags.of(call).join()}`;
    const count = (this.counts.get(name) ?? 0) + 1;
    this.counts.set(name, count);
    return randomOf(createHash('sha256').update(`${this.seed} ${name} ${count}`).digest().readInt32BE());
  }
}

/** SQS delivers at least once: what is being worked at becomes visible at once. */
function showAgain({ input }: AwsCall): void {
  for (const entry of input.Entries as { VisibilityTimeout: number }[]) entry.VisibilityTimeout = 0;
}

function pause(milliseconds: number): Promise<void> | undefined {
  return milliseconds === 0 ? undefined : new Promise((resolve) => setTimeout(resolve, milliseconds));
}
