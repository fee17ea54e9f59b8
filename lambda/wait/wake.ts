import { createHash, randomUUID } from 'node:crypto';
import { SendMessageCommand } from '@aws-sdk/client-sqs';
import { requireEnv } from '../config';
import { logFault } from '../logs/write-line';
import type { WaitList } from '../message/wait-list';
import { sqs } from '../store/aws';
import { listPartition } from '../store/keys';
import { readObject } from './hint';

/** Wakes sent at once, where many are. */
const SIDE_BY_SIDE = 10;

/** A reason to look at a wait list. */
export interface Wake {
  readonly list: WaitList;
  /** Look also after everybody who holds a slot. */
  readonly check?: boolean;
  /** When it is time to look, milliseconds: until then it travels with the hints. */
  readonly due?: number;
}

export function encodeWake({ list, check, due }: Wake): string {
  return JSON.stringify({ [list.kind]: list.name, check, d: due });
}

/** Undefined for anything that {@link encodeWake} did not write. */
export function decodeWake(body: string): Wake | undefined {
  const { queue, flow, check, d } = readObject(body);
  const list = listOf('queue', queue) ?? listOf('flow', flow);
  if (list === undefined || !(d === undefined || Number.isFinite(d))) return undefined;
  return { list, ...(check === true ? { check: true } : {}), ...(d === undefined ? {} : { due: d as number }) };
}

function listOf(kind: WaitList['kind'], name: unknown): WaitList | undefined {
  return typeof name === 'string' && name !== '' ? { kind, name } : undefined;
}

/** Has a dispatcher look at a list: of one list only one does at a time, and each wake is followed by a look. */
export async function sendWake(wake: Wake): Promise<void> {
  await sqs.send(
    new SendMessageCommand({
      QueueUrl: requireEnv('WAKES_QUEUE_URL'),
      MessageBody: encodeWake(wake),
      MessageGroupId: createHash('sha256').update(listPartition(wake.list)).digest('hex'),
      // SQS drops what has the id of another of the last minutes, but who came after a look needs one more.
      MessageDeduplicationId: randomUUID(),
    }),
  );
}

/** {@link sendWake} for many lists, each once. What it returns says whether a list was woken. */
export async function sendWakes(lists: readonly WaitList[]): Promise<(list: WaitList) => boolean> {
  const waiting = [...new Map(lists.map((list) => [listPartition(list), list]))];
  const woken = new Set<string>();
  const work = async () => {
    for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
      const [name, list] = next;
      await sendWake({ list }).then(
        () => woken.add(name),
        (error: unknown) => logFault('wake', error, { list: name }),
      );
    }
  };
  await Promise.all(Array.from({ length: SIDE_BY_SIDE }, work));
  return (list) => woken.has(listPartition(list));
}
