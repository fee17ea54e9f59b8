import { callbackOf, failureCallbackOf } from '../../../lambda/callback/callback-message';
import type { Message } from '../../../lambda/message/message';
import { derivedMessageId, dlqIdOf, mustPlace } from '../../../lambda/message/message-id';

const NOW = 1_780_000_000_000;
const ENDED = NOW + 5_000;
const options = { url: 'https://example.com/callback', method: 'POST' as const, header: {} };
const source: Message = {
  messageId: derivedMessageId(NOW, 'source'),
  createdAt: NOW,
  url: 'https://example.com/',
  method: 'PUT',
  header: { 'X-Own': ['1'] },
  body: Buffer.from('body'),
  notBefore: NOW,
  maxRetries: 4,
  retryDelayExpression: '1000',
  timeout: 7,
  labels: ['a'],
  callerIp: '192.0.2.1',
  lane: 'deliveries',
};
const dlqId = dlqIdOf(source.messageId, ENDED);

test('no callback without its URL', () => {
  expect(callbackOf(source, 0, ENDED)).toBeUndefined();
  expect(failureCallbackOf(source, 0, ENDED, dlqId)).toBeUndefined();
  expect(callbackOf({ ...source, failureCallback: options }, 0, ENDED)).toBeUndefined();
  expect(failureCallbackOf({ ...source, callback: options }, 0, ENDED, dlqId)).toBeUndefined();
});

test('a callback is a message of its own that begins when the attempt ends', () => {
  expect(callbackOf({ ...source, callback: options }, 2, ENDED)).toEqual({
    messageId: derivedMessageId(ENDED, source.messageId, 'deliveries', 2),
    createdAt: ENDED,
    url: options.url,
    method: 'POST',
    header: { 'Content-Type': ['application/json'] },
    body: new Uint8Array(),
    notBefore: ENDED,
    maxRetries: 4,
    callerIp: '192.0.2.1',
    lane: 'deliveries',
    source: { messageId: source.messageId, attempt: 2, endedAt: ENDED },
  });
});

test('a failure callback travels on its own lane and names the dead letter', () => {
  const failureCallback = failureCallbackOf({ ...source, failureCallback: options }, 4, ENDED, dlqId);
  expect(failureCallback).toMatchObject({
    lane: 'failures',
    source: { messageId: source.messageId, attempt: 4, endedAt: ENDED, dlqId },
  });
});

test('what the publisher set of a callback counts', () => {
  const nested = { ...options, url: 'https://example.com/nested' };
  const callback = {
    ...options,
    method: 'PATCH' as const,
    header: { 'Content-Type': ['text/plain'], 'X-Callback': ['1'] },
    retries: 0,
    retryDelayExpression: '500',
    timeout: 3,
    delay: 60,
    callback: nested,
    failureCallback: nested,
  };
  expect(callbackOf({ ...source, callback }, 0, ENDED)).toMatchObject({
    method: 'PATCH',
    header: { 'Content-Type': ['text/plain'], 'X-Callback': ['1'] },
    maxRetries: 0,
    retryDelayExpression: '500',
    timeout: 3,
    notBefore: ENDED + 60_000,
    callback: nested,
    failureCallback: nested,
  });
});

test('times are whole milliseconds, whatever fraction of a second the delay has', () => {
  const callback = { ...options, delay: 901.0006 };
  expect(callbackOf({ ...source, callback }, 0, ENDED)!.notBefore).toBe(ENDED + 901_001);
});

test('each attempt, kind and message has a callback of its own, and the same one every time', () => {
  const both = { ...source, callback: options, failureCallback: options };
  const other = { ...both, messageId: derivedMessageId(NOW, 'other') };
  const ids = () =>
    [
      callbackOf(both, 0, ENDED)!,
      callbackOf(both, 1, ENDED)!,
      failureCallbackOf(both, 1, ENDED, dlqId)!,
      callbackOf(other, 0, ENDED)!,
    ].map(({ messageId }) => messageId);
  expect(ids()).toEqual(ids());
  expect(new Set(ids()).size).toBe(4);
  for (const id of ids()) expect(mustPlace(id).time).toBe(ENDED);
});
