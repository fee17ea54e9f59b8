import type { InvocationResult } from '../functions/lambda-worker';

/**
 * Which messages of a batch are done, by Lambda's rules. Without partial failures the batch succeeds or fails
 * as a whole. With them an empty or absent list is success; an answer that cannot be read, an empty or null
 * identifier and one that is not in the batch fail the whole batch.
 */
export function succeeded(ids: readonly string[], result: InvocationResult, partialFailures: boolean): Set<string> {
  if (!result.ok) return new Set();
  if (!partialFailures) return new Set(ids);
  const failed = failedIds(JSON.parse(result.payload));
  if (failed === undefined || failed.some((id) => !ids.includes(id))) return new Set();
  return new Set(ids.filter((id) => !failed.includes(id)));
}

/** The identifiers reported as failed; undefined when the answer cannot be read. */
function failedIds(answer: unknown): string[] | undefined {
  if (answer === null) return [];
  if (typeof answer !== 'object' || Array.isArray(answer)) return undefined;
  const { batchItemFailures } = answer as { batchItemFailures?: unknown };
  if (batchItemFailures === undefined || batchItemFailures === null) {
    // `{}` is success, an object with some other key in place of the right one is not.
    return batchItemFailures === null || Object.keys(answer).length === 0 ? [] : undefined;
  }
  if (!Array.isArray(batchItemFailures)) return undefined;
  const ids: string[] = [];
  for (const failure of batchItemFailures as unknown[]) {
    const id = (failure as { itemIdentifier?: unknown } | null)?.itemIdentifier;
    if (typeof id !== 'string' || id === '') return undefined;
    ids.push(id);
  }
  return ids;
}
