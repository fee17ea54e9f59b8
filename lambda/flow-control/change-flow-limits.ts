import { type AttributeValue, ConditionalCheckFailedException, UpdateItemCommand } from '@aws-sdk/client-dynamodb';
import { requireEnv } from '../config';
import type { FlowLimits } from '../message/flow-limits';
import type { WaitList } from '../message/wait-list';
import { dynamodb } from '../store/aws';
import { directoryKey, limitsKey, N } from '../store/keys';
import { ttlOf } from '../store/message-items';
import { getItem } from '../store/read-items';
import { decodeLimits, encodeLimits, type StoredLimits } from '../store/wait-lists';
import { putItem } from '../store/write-items';
import { wakeWaiting } from '../wait/leave-list';

/** Changes made to one key at the same moment before one of them gives up. */
const MAX_CONFLICTS = 10;
/** What nobody has paused or pinned is forgotten this long after its last use: longer than any window. */
const KEPT_MS = 90 * 86_400_000;
/** It is noted that a key is used when this much of it is over. */
const RENEWED_MS = KEPT_MS / 2;

/**
 * Changes the limits of a flow-control key by `change`, which is given what there is, and again if somebody else was
 * faster; a key that is not there is made. Only what differs is written: the dispatcher counts on its own. Who waits
 * is looked at again.
 */
export async function changeFlowLimits(
  key: string,
  now: number,
  change: (limits: FlowLimits | undefined) => FlowLimits,
): Promise<StoredLimits> {
  const list: WaitList = { kind: 'flow', name: key };
  for (let conflicts = 0; ; conflicts++) {
    const item = await getItem(limitsKey(list));
    const before = item && decodeLimits(item);
    const limits = change(before?.limits);
    const changes = changesBetween(before?.limits, limits);
    const expiresAt = limitsExpiry(limits, now);
    const isKept = before?.expiresAt === undefined ? expiresAt === undefined : before.expiresAt > now + RENEWED_MS;
    if (before !== undefined && changes.length === 0 && isKept) return before;
    // The row last, so that every key that has limits is found.
    if (before === undefined || !isKept) await putItem({ ...directoryKey(list), ...ttlOf(expiresAt) });
    const after: StoredLimits = { limits, version: (before?.version ?? 0) + 1, expiresAt };
    try {
      await write(list, before, after, changes);
      if (before !== undefined && changes.length > 0) await wakeWaiting(list);
      return after;
    } catch (error) {
      if (!(error instanceof ConditionalCheckFailedException) || conflicts === MAX_CONFLICTS) throw error;
    }
  }
}

/** When limits are forgotten that are used at `now`, milliseconds; undefined for those that somebody has set. */
export function limitsExpiry(limits: FlowLimits, now: number): number | undefined {
  const isSet = limits.paused || limits.isPinnedParallelism || limits.isPinnedRate;
  return isSet ? undefined : now + KEPT_MS;
}

type Change = readonly [name: string, value: AttributeValue | undefined];

function changesBetween(before: FlowLimits | undefined, after: FlowLimits): Change[] {
  const old = before === undefined ? {} : encodeLimits(before);
  const wanted = encodeLimits(after);
  return [...new Set([...Object.keys(old), ...Object.keys(wanted)])]
    .filter((name) => JSON.stringify(old[name]) !== JSON.stringify(wanted[name]))
    .map((name): Change => [name, wanted[name]]);
}

async function write(
  list: WaitList,
  before: StoredLimits | undefined,
  { version, expiresAt }: StoredLimits,
  changes: readonly Change[],
): Promise<void> {
  const all: Change[] = [...changes, ['v', N(version)], ['ttl', ttlOf(expiresAt).ttl]];
  const set = all.filter(([, value]) => value !== undefined);
  const removed = all.filter(([, value]) => value === undefined);
  const remove = removed.length === 0 ? '' : ` REMOVE ${removed.map(([name]) => `#${name}`).join(', ')}`;
  await dynamodb.send(
    new UpdateItemCommand({
      TableName: requireEnv('TABLE_NAME'),
      Key: limitsKey(list),
      UpdateExpression: `SET ${set.map(([name]) => `#${name} = :${name}`).join(', ')}${remove}`,
      ConditionExpression: before === undefined ? 'attribute_not_exists(pk)' : '#v = :before',
      ExpressionAttributeNames: Object.fromEntries(all.map(([name]) => [`#${name}`, name])),
      ExpressionAttributeValues: {
        ...Object.fromEntries(set.map(([name, value]) => [`:${name}`, value!])),
        ...(before === undefined ? {} : { ':before': N(before.version) }),
      },
    }),
  );
}
