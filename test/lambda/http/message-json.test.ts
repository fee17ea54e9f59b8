import { createHash } from 'node:crypto';
import fc from 'fast-check';
import type { DeadLetterDetails } from '../../../lambda/dlq/load-dead-letters';
import { deadLetterJson, logJson, messageJson } from '../../../lambda/http/message-json';
import type { LogEvent } from '../../../lambda/logs/log-event';
import type { Message } from '../../../lambda/message/message';
import { dlqIdOf } from '../../../lambda/message/message-id';
import { type AttemptRecord, NO_STATE } from '../../../lambda/message/message-state';
import { partOf } from '../../../lambda/message/shown-header';
import { newMessage } from '../messages';

const NOW = 1_780_000_000_000;
const LISTED = 8_192;

/** As it goes over the wire: what is undefined there is absent. */
// biome-ignore lint/suspicious/noExplicitAny: tests say what they expect of it
const wire = (value: object): any => JSON.parse(JSON.stringify(value));
const base64 = (bytes: Uint8Array | string) => Buffer.from(bytes).toString('base64');
const redacted = (value: string) => `REDACTED:${createHash('sha256').update(value).digest('hex')}`;

const callback = { url: 'https://example.com/callback', method: 'POST' as const, header: {} };
const full = newMessage(NOW, {
  url: 'https://example.com/a?b',
  method: 'PUT',
  header: { 'Content-Type': ['text/plain'], Authorization: ['secret'] },
  body: Buffer.from('body'),
  notBefore: NOW + 5_000,
  maxRetries: 0,
  retryDelayExpression: '1000',
  timeout: 7,
  callback: { ...callback, header: { 'X-Api-Key': ['secret'] } },
  failureCallback: callback,
  labels: ['red', 'blue'],
  callerIp: '192.0.2.1',
});

const record: AttemptRecord = {
  attempt: 0,
  startedAt: NOW + 1,
  endedAt: NOW + 2,
  status: 503,
  header: { 'Retry-After': ['5'] },
  body: Buffer.from('busy'),
  outcome: 'failed',
};

function deadLetter(message: Message, last = record, body = partOf(message.body)): DeadLetterDetails {
  return {
    deadLetter: {
      dlqId: dlqIdOf(message.messageId, NOW + 2),
      messageId: message.messageId,
      url: message.url,
      failedAt: NOW + 2,
      attempt: 0,
      responseStatus: last.status,
      labels: [],
      reason: 'exhausted',
    },
    row: { message, state: NO_STATE, expiresAt: undefined },
    body,
    lastAttempt: last,
  };
}

const entry = (state: LogEvent['state'], message = full, of: AttemptRecord | undefined = record) => ({
  event: { time: NOW + 2, messageId: message.messageId, state, ...(of === undefined ? {} : { record: of }) },
  message,
  body: partOf(message.body, LISTED),
});

test('a message with all that it can have', () => {
  expect(wire(messageJson(full))).toEqual({
    messageId: full.messageId,
    url: 'https://example.com/a?b',
    method: 'PUT',
    header: { 'Content-Type': ['text/plain'], Authorization: [redacted('secret')] },
    body: 'body',
    maxRetries: 0,
    notBefore: NOW + 5_000,
    createdAt: NOW,
    callback: 'https://example.com/callback',
    callbackHeader: { 'X-Api-Key': [redacted('secret')] },
    failureCallback: 'https://example.com/callback',
    callerIP: '192.0.2.1',
    callerIp: '192.0.2.1',
    label: 'red',
    labels: ['red', 'blue'],
    retryDelayExpression: '1000',
    timeout: 7,
  });
});

test('a message has what clients read without asking, and nothing that is not set', () => {
  const bare = newMessage(NOW, { maxRetries: 0 });
  expect(wire(messageJson(bare))).toEqual({
    messageId: bare.messageId,
    url: 'https://example.com/',
    method: 'POST',
    header: {},
    maxRetries: 0,
    notBefore: NOW,
    createdAt: NOW,
  });
});

test('a dead letter is its message with its own id and the last response', () => {
  const details = deadLetter(full);
  expect(wire(deadLetterJson(details, false))).toEqual({
    ...wire(messageJson(full)),
    dlqId: details.deadLetter.dlqId,
    responseStatus: 503,
    responseHeader: { 'Retry-After': ['5'] },
    responseBody: 'busy',
    failedAt: NOW + 2,
    retried: 0,
    reason: 'exhausted',
  });
});

test('a dead letter without a response has status 0 and says why', () => {
  const last = { ...record, status: 0, header: {}, body: new Uint8Array(), error: 'connection refused' };
  expect(wire(deadLetterJson(deadLetter(full, last), true))).toMatchObject({
    responseStatus: 0,
    responseHeader: {},
    responseBody: 'connection refused',
  });
});

test('the body of a dead letter is what was to be delivered', () => {
  const report = deadLetter({ ...full, body: new Uint8Array() }, record, partOf(Buffer.from('{"status":503}')));
  expect(wire(deadLetterJson(report, false)).body).toBe('{"status":503}');
});

describe('an entry of the log', () => {
  test('of a failed attempt', () => {
    expect(wire(logJson(entry('ERROR')))).toEqual({
      time: NOW + 2,
      messageId: full.messageId,
      state: 'ERROR',
      url: 'https://example.com/a?b',
      method: 'PUT',
      header: { 'Content-Type': ['text/plain'], Authorization: [redacted('secret')] },
      body: base64('body'),
      maxRetries: 0,
      error: 'the destination answered with status 503',
      responseStatus: 503,
      responseHeader: { 'Retry-After': ['5'] },
      responseHeaders: { 'Retry-After': ['5'] },
      responseBody: base64('busy'),
      timeout: 7_000,
      callback: 'https://example.com/callback',
      callbackHeaders: { 'X-Api-Key': [redacted('secret')] },
      failureCallback: 'https://example.com/callback',
      label: 'red',
      labels: ['red', 'blue'],
      retryDelayExpression: '1000',
      retryDelayExpr: '1000',
      callerIP: '192.0.2.1',
      callerIp: '192.0.2.1',
    });
  });

  test('of an attempt without a response', () => {
    const noResponse = { ...record, status: 0, header: {}, body: new Uint8Array(), error: 'timeout' };
    expect(wire(logJson(entry('ERROR', full, noResponse)))).toMatchObject({
      error: 'timeout',
      responseStatus: 0,
      responseBody: base64('timeout'),
    });
  });

  test.each(['CREATED', 'ACTIVE', 'RETRY', 'DELIVERED', 'FAILED', 'CANCEL_REQUESTED', 'CANCELED'] as const)(
    '%s tells no response',
    (state) => {
      const json = wire(logJson(entry(state)));
      expect(Object.keys(json).filter((key) => key.startsWith('response') || key === 'error')).toEqual([]);
      expect(json).toMatchObject({ time: NOW + 2, messageId: full.messageId, state, url: full.url });
    },
  );

  test('RETRY tells when', () => {
    const retried: AttemptRecord = { ...record, outcome: 'retry', nextAt: NOW + 12_000 };
    expect(wire(logJson(entry('RETRY', full, retried))).nextDeliveryTime).toBe(NOW + 12_000);
    expect(wire(logJson(entry('ERROR', full, retried)))).not.toHaveProperty('nextDeliveryTime');
  });

  test('of a message without anything has what clients read without asking', () => {
    const bare = newMessage(NOW);
    expect(wire(logJson(entry('CREATED', bare)))).toEqual({
      time: NOW + 2,
      messageId: bare.messageId,
      state: 'CREATED',
      url: bare.url,
      method: 'POST',
      header: {},
      body: '',
      maxRetries: 3,
    });
  });
});

describe('bodies', () => {
  const shown = (body: Uint8Array, listed: boolean) => {
    const part = partOf(body, listed ? LISTED : undefined);
    const json = wire(deadLetterJson(deadLetter({ ...full, body }, { ...record, body }, part), listed));
    const pick = (name: string) => ({
      text: json[name],
      base64: json[`${name}Base64`],
      truncated: json[`${name}Truncated`],
    });
    expect(pick('responseBody')).toEqual(pick('body'));
    return pick('body');
  };

  test.each([
    ['no bytes', Buffer.alloc(0), {}],
    ['text', Buffer.from('grüße 😀'), { text: 'grüße 😀' }],
    ['a byte order mark', Buffer.from('\ufeffa'), { text: '\ufeffa' }],
    ['a zero byte', Buffer.from('a\0b'), { text: 'a\0b' }],
    ['bytes that are no text', Buffer.from([0xff, 0xfe]), { base64: base64(Buffer.from([0xff, 0xfe])) }],
    ['half a character', Buffer.from('é').subarray(0, 1), { base64: base64(Buffer.from([0xc3])) }],
    ['an overlong encoding', Buffer.from([0xc0, 0x80]), { base64: base64(Buffer.from([0xc0, 0x80])) }],
    ['a surrogate', Buffer.from([0xed, 0xa0, 0x80]), { base64: base64(Buffer.from([0xed, 0xa0, 0x80])) }],
  ])('%s', (_what, body, expected) => {
    expect(shown(body, true)).toEqual({ text: undefined, base64: undefined, truncated: undefined, ...expected });
    expect(shown(body, false)).toEqual(shown(body, true));
  });

  test('are whole alone, and cut in a list', () => {
    const body = Buffer.from('x'.repeat(LISTED + 1));
    expect(shown(body, false)).toEqual({ text: body.toString() });
    expect(shown(body, true)).toEqual({ text: 'x'.repeat(LISTED), truncated: true });
    expect(shown(body.subarray(1), true)).toEqual({ text: 'x'.repeat(LISTED) });
  });

  test('that are no text are cut by bytes', () => {
    const body = Buffer.alloc(LISTED + 3, 0xff);
    expect(shown(body, true)).toEqual({ base64: base64(body.subarray(0, LISTED)), truncated: true });
    expect(shown(body, false)).toEqual({ base64: base64(body) });
  });

  test('that are text stay text when cut: no character is divided', () => {
    const characters = fc.array(fc.constantFrom('x', 'é', '語', '😀'), { minLength: 1, maxLength: 12 });
    fc.assert(
      fc.property(characters, (pattern) => {
        const text = pattern.join('').repeat(LISTED).slice(0, LISTED);
        const body = Buffer.from(/[\ud800-\udbff]$/.test(text) ? text.slice(0, -1) : text);
        const { text: cut, truncated } = shown(body, true);
        expect(body.toString().startsWith(cut)).toBe(true);
        const bytes = Buffer.byteLength(cut);
        expect(bytes).toBeLessThanOrEqual(LISTED);
        expect(truncated).toBe(body.length > LISTED ? true : undefined);
        // As much as fits: the next character would not have.
        if (truncated) expect(bytes).toBeGreaterThan(LISTED - 4);
      }),
      { numRuns: 50 },
    );
  });

  test('of the log are cut too', () => {
    const body = Buffer.alloc(LISTED + 1, 'x');
    const json = wire(logJson(entry('ERROR', { ...full, body }, { ...record, body })));
    expect(json.body).toBe(base64(body.subarray(0, LISTED)));
    expect(json.responseBody).toBe(base64(body.subarray(0, LISTED)));
  });
});
