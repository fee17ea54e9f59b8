import { createHash, randomUUID } from 'node:crypto';
import type { Answer, AwsCall, Interceptor } from '../../local/aws-call';
import { functionOfAccessKey } from '../../local/functions/lambda-function';
import type { LocalService } from '../../local/start-local';
import { conflict, describeCall, type Fault, faultsOf, json, partial, refusal, throttling } from './fault-answers';
import { Tags } from './tags';

/** One call of a scenario: the n-th of its kind, from 1. */
export interface CallSite {
  /** Function, operation, what it acts on and under which condition. */
  readonly call: string;
  readonly n: number;
  readonly faults: readonly Fault[];
}

/** The call that is to fail, and how. */
export interface PlannedFault {
  readonly call: string;
  /** Every such call fails when it is absent. */
  readonly n?: number;
  readonly kind: Fault;
}

/** A hint that a function has sent and that is not on its queue yet. */
export interface HeldHint {
  readonly tag: string;
  readonly queueUrl: string;
  readonly body: string;
  readonly delaySeconds: number;
  /** Of a wake. */
  readonly groupId?: string;
}

interface Watched {
  readonly calls: CallSite[];
  readonly counts: Map<string, number>;
  readonly fault: PlannedFault | undefined;
  fired: boolean;
  /** The call that is throttled again each time the SDK repeats it, and how often still. */
  throttled: { readonly input: string; left: number } | undefined;
}

/** Attempts that the SDK makes of one call. */
const SDK_ATTEMPTS = 4;
/**
 * Sees every call of the functions, tells which cell it belongs to by the messages in it, and makes one call of
 * each cell fail. Hints are held back until {@link takeHeld}, so that it is known which ones travel together.
 */
export class Faults {
  /** The kinds of calls that were made. */
  readonly seen = new Set<string>();
  private armed = false;
  private looking = true;
  private held: HeldHint[] = [];
  private readonly watched = new Map<string, Watched>();
  private readonly tags = new Tags();
  private readonly functions = new Map<string, string>();
  private service: LocalService | undefined;

  /** `holds`: whether hints are held back. */
  constructor(private readonly holds = true) {}

  /** The cell that owns every call which names no message; by default the one its worker was at. */
  set only(tag: string | undefined) {
    this.tags.only = tag;
  }

  get only(): string | undefined {
    return this.tags.only;
  }

  /** To be called once the service runs that this intercepts; until then nothing is done to its calls. */
  attach(service: LocalService): void {
    this.service = service;
    for (const [path, { type, logicalId }] of Object.entries(service.resources)) {
      const [, name] = /\/(Api|Deliver|Fail|Dispatch|Promote)\/Function\/Resource$/.exec(path) ?? [];
      if (type === 'AWS::Lambda::Function' && name !== undefined) this.functions.set(logicalId, name.toLowerCase());
    }
  }

  /** Watches the calls of a cell while {@link arm}ed. */
  watch(tag: string, fault?: PlannedFault): void {
    this.watched.set(tag, { calls: [], counts: new Map(), fault, fired: false, throttled: undefined });
  }

  arm(): void {
    this.armed = true;
  }

  disarm(): void {
    this.armed = false;
  }

  /** Does something whose calls are nobody's. */
  async unseen<T>(act: () => Promise<T>): Promise<T> {
    this.looking = false;
    try {
      return await act();
    } finally {
      this.looking = true;
    }
  }

  callsOf(tag: string): readonly CallSite[] {
    return this.watched.get(tag)!.calls;
  }

  hasFired(tag: string): boolean {
    return this.watched.get(tag)!.fired;
  }

  get isHolding(): boolean {
    return this.held.length > 0;
  }

  /** The hints sent since the last time. */
  takeHeld(): HeldHint[] {
    return this.held.splice(0);
  }

  /** Remembers the hints that are held back now; what it returns holds back each of them once more. */
  repeat(): () => void {
    const copies = [...this.held];
    return () => this.held.push(...copies);
  }

  /** Forgets all cells. */
  reset(): void {
    this.watched.clear();
    this.tags.clear();
  }

  readonly intercept: Interceptor = async (call, execute) => {
    const fn = this.functions.get(functionOfAccessKey(call.accessKeyId));
    if (fn === undefined) return execute();
    const input = JSON.stringify(call.input);
    const tags = this.tags.of(call);
    const run = this.holds && /^SendMessage/.test(call.operation) ? async () => this.hold(call) : execute;
    const name = `${fn} ${describeCall(call)}`;
    if (this.looking) this.seen.add(name);
    if (!this.armed) return run();
    const all = tags.flatMap((tag) => this.watched.get(tag) ?? []);
    if (all.some(({ throttled }) => throttled?.input === input && throttled.left-- > 0)) return throttling(call);
    const due = all.filter((watched) => {
      const n = (watched.counts.get(name) ?? 0) + 1;
      watched.counts.set(name, n);
      watched.calls.push({ call: name, n, faults: faultsOf(call) });
      const { fault } = watched;
      return fault?.call === name && (fault.n === undefined || (fault.n === n && !watched.fired));
    });
    const watched = due[0];
    const fault = watched?.fault;
    if (watched === undefined || fault === undefined) return run();
    watched.fired = true;
    if (fault.kind === 'throttledOut') watched.throttled = { input, left: SDK_ATTEMPTS - 1 };
    return this.fail(fault.kind, call, run);
  };

  private async fail(kind: Fault, call: AwsCall, run: () => Promise<Answer>): Promise<Answer> {
    switch (kind) {
      case 'after':
        await run();
        await this.service!.endWorker(call.accessKeyId);
        return 'dropped';
      case 'before':
        await this.service!.endWorker(call.accessKeyId);
        return 'dropped';
      case 'lost':
        await run();
        return 'dropped';
      case 'throttled':
      case 'throttledOut':
        return throttling(call);
      case 'refused':
        return refusal(call, this.service!.endpoints.dynamodb);
      case 'conflict':
        return conflict(call);
      case 'partial':
        return partial(call, run);
    }
  }

  /** Takes hints as SQS would. */
  private hold({ input }: AwsCall): Answer {
    const entries = (input.Entries ?? [input]) as readonly Readonly<Record<string, unknown>>[];
    const taken = entries.map(({ Id, MessageBody, DelaySeconds = 0, MessageGroupId }) => {
      const body = String(MessageBody);
      const tag = this.tags.ofHint(body);
      const group = MessageGroupId === undefined ? {} : { groupId: String(MessageGroupId) };
      this.held.push({ tag, queueUrl: String(input.QueueUrl), body, delaySeconds: Number(DelaySeconds), ...group });
      return { Id, MessageId: randomUUID(), MD5OfMessageBody: createHash('md5').update(body).digest('hex') };
    });
    return json(input.Entries === undefined ? taken[0]! : { Successful: taken });
  }
}
