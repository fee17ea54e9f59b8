import { ConditionalCheckFailedException, DeleteItemCommand, PutItemCommand } from '@aws-sdk/client-dynamodb';
import { requireEnv } from '../config';
import { dynamodb } from '../store/aws';
import { N, urlGroupKey } from '../store/keys';
import { getUrlGroup } from './find-url-groups';
import { encodeUrlGroup, type UrlGroup } from './url-group';

/** Changes made to one group at the same moment before one of them gives up. */
const MAX_CONFLICTS = 10;

/** What a change leaves as it is, or makes. */
export type GroupContent = Pick<UrlGroup, 'endpoints' | 'headers'>;

/**
 * Changes a URL group by `change`, which is given what there is, and again if somebody else was faster. What it
 * returns is stored, an empty one deleted; a group that is not there is made. Errors of `change` are the caller's.
 */
export async function changeUrlGroup(
  name: string,
  now: number,
  change: (group: UrlGroup | undefined) => GroupContent | Promise<GroupContent>,
): Promise<UrlGroup> {
  for (let conflicts = 0; ; conflicts++) {
    const before = await getUrlGroup(name);
    const content = await change(before);
    const after: UrlGroup = {
      ...content,
      name,
      createdAt: before?.createdAt ?? now,
      updatedAt: now,
      version: (before?.version ?? 0) + 1,
    };
    try {
      await write(before, after);
      return after;
    } catch (error) {
      if (!(error instanceof ConditionalCheckFailedException) || conflicts === MAX_CONFLICTS) throw error;
    }
  }
}

async function write(before: UrlGroup | undefined, after: UrlGroup): Promise<void> {
  const condition = {
    TableName: requireEnv('TABLE_NAME'),
    ConditionExpression: before === undefined ? 'attribute_not_exists(pk)' : 'v = :v',
    ...(before === undefined ? {} : { ExpressionAttributeValues: { ':v': N(before.version) } }),
  };
  if (after.endpoints.length > 0 || Object.keys(after.headers).length > 0) {
    await dynamodb.send(new PutItemCommand({ ...condition, Item: encodeUrlGroup(after) }));
  } else if (before !== undefined) {
    await dynamodb.send(new DeleteItemCommand({ ...condition, Key: urlGroupKey(after.name) }));
  }
}
