import type { Message } from '../message/message';
import { signRequest } from './sign-request';

/** A request as it goes out. */
export interface OutboundRequest {
  readonly url: string;
  readonly method: string;
  /** In order; a name may appear more than once. */
  readonly headers: readonly (readonly [name: string, value: string])[];
  readonly body: Uint8Array;
}

export interface RequestParts {
  readonly message: Pick<Message, 'messageId' | 'url' | 'method' | 'header' | 'callerIp' | 'topicName' | 'scheduleId'>;
  /** What is sent: the message's body, or for a callback the report. */
  readonly body: Uint8Array;
  /** Number of the attempt; the first is 0. */
  readonly attempt: number;
  /** Current signing key. */
  readonly key: string;
  /** Told to receivers that keep keys by region, such as `EU-CENTRAL-1`; absent by default. */
  readonly region?: string;
  /** Wall time in milliseconds. */
  readonly wallNow: number;
}

/** One attempt's request: the publisher's headers and QStash's own, freshly signed. */
export function buildRequest({ message, body, attempt, key, region, wallNow }: RequestParts): OutboundRequest {
  const own: [string, string][] = [
    ['Upstash-Message-Id', message.messageId],
    ['Upstash-Retried', String(attempt)],
    ['Upstash-Signature', signRequest({ url: message.url, body, key, now: wallNow })],
  ];
  if (message.callerIp !== undefined) own.push(['Upstash-Caller-Ip', message.callerIp]);
  if (message.topicName !== undefined) own.push(['Upstash-Topic-Name', message.topicName]);
  if (message.scheduleId !== undefined) own.push(['Upstash-Schedule-Id', message.scheduleId]);
  if (region !== undefined) own.push(['Upstash-Region', region]);
  const forwarded = Object.entries(message.header).flatMap(([name, values]) =>
    values.map((value): [string, string] => [name, value]),
  );
  const agent: [string, string][] = Object.hasOwn(message.header, 'User-Agent')
    ? []
    : [['User-Agent', 'Upstash-QStash']];
  return { url: message.url, method: message.method, headers: [...agent, ...forwarded, ...own], body };
}
