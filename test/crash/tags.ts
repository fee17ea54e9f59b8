import type { AwsCall } from '../../local/aws-call';

/** The first part of a destination's path says whose message it is. */
const TAG = /:\d+\/([a-z]\w*)\//;
/** Message ids, without their prefix, and dead letter ids as they stand in keys, hints and conditions. */
const IDS = /(?:msg_1|\b)([0-9A-HJKMNP-TV-Z]{27})\b|\b(\d{13}-\d{1,16})\b/g;

/** Lists and schedules bear the name of the tag whose they are: in keys and, with escaped quotes, in wakes and hints. */
const NAMED = /\b(?:(?:queue|flow|schedule)(?:#|\\*":\\*"|s"},"sk":{"S":")|s\\*":\\*")([a-z]\w*)/g;

/** Tells whose calls are whose, by the URLs in them and the ids that came with those. */
export class Tags {
  /** Whose every call is that names no message; by default it belongs to what its worker was at. */
  only: string | undefined;
  private readonly ofId = new Map<string, string>();
  private readonly ofWorker = new Map<string, readonly string[]>();

  of({ accessKeyId, input }: AwsCall): readonly string[] {
    const text = JSON.stringify(input);
    const ids = idsIn(text);
    const told = TAG.exec(text)?.[1];
    if (told !== undefined) for (const id of ids) this.ofId.set(id, told);
    const known = ids.flatMap((id) => this.ofId.get(id) ?? []);
    if (known.length === 0) known.push(...namesIn(text));
    const only = this.only === undefined ? undefined : [this.only];
    const tags = known.length > 0 ? [...new Set(known)] : (only ?? this.ofWorker.get(accessKeyId) ?? []);
    if (tags.length === 1) for (const id of ids) this.ofId.set(id, tags[0]!);
    this.ofWorker.set(accessKeyId, tags);
    return tags;
  }

  ofHint(body: string): string {
    return this.ofId.get(idsIn(body)[0] ?? '') ?? namesIn(body)[0] ?? '';
  }

  clear(): void {
    this.ofId.clear();
    this.ofWorker.clear();
  }
}

function namesIn(text: string): string[] {
  return [...text.matchAll(NAMED)].map(([, name]) => name!);
}

function idsIn(text: string): string[] {
  return [...text.matchAll(IDS)].map(([, token, dlqId]) => (token ?? dlqId)!);
}
