import fc from 'fast-check';
import { type MessageFilter, matchesMessage, matchesTime } from '../../../lambda/message/message-filter';
import { newMessage } from '../messages';

const NOW = 1_780_000_000_000;
const message = newMessage(NOW, {
  url: 'https://example.com:8443/a/b?c=d',
  labels: ['red', 'blue'],
  callerIp: '192.0.2.1',
});

test.each<[MessageFilter, boolean]>([
  [{}, true],
  [{ messageId: [message.messageId] }, true],
  [{ messageId: ['msg_other', message.messageId] }, true],
  [{ messageId: ['msg_other'] }, false],
  [{ messageId: [] }, false],
  [{ url: ['https://example.com:8443/a/b?c=d'] }, true],
  [{ url: ['https://example.com:8443/a/b'] }, false],
  [{ host: ['example.com:8443'] }, true],
  [{ host: ['example.com'] }, false],
  [{ path: ['/a/b'] }, true],
  [{ path: ['/a'] }, false],
  [{ path: ['/a/b?c=d'] }, false],
  [{ label: ['red'] }, true],
  [{ label: ['green', 'blue'] }, true],
  [{ label: ['green'] }, false],
  [{ label: ['red,blue'] }, false],
  [{ callerIp: ['192.0.2.1'] }, true],
  [{ callerIp: ['192.0.2.10'] }, false],
  [{ topicName: ['a'] }, false],
  [{ queueName: ['a'] }, false],
  [{ scheduleId: ['a'] }, false],
  [{ flowControlKey: ['a'] }, false],
  [{ host: ['example.com:8443'], label: ['red'] }, true],
  [{ host: ['example.com:8443'], label: ['green'] }, false],
  [{ fromDate: NOW + 1 }, true],
])('%j', (filter, expected) => {
  expect(matchesMessage(filter, message)).toBe(expected);
});

test('a message without labels or caller matches none that is asked for', () => {
  const bare = newMessage(NOW);
  expect(matchesMessage({ label: ['red'] }, bare)).toBe(false);
  expect(matchesMessage({ callerIp: ['192.0.2.1'] }, bare)).toBe(false);
});

test('a host is meant without the port that its scheme implies', () => {
  expect(matchesMessage({ host: ['example.com'] }, newMessage(NOW, { url: 'https://example.com/' }))).toBe(true);
  expect(matchesMessage({ path: ['/'] }, newMessage(NOW, { url: 'https://example.com/' }))).toBe(true);
});

test('every field given must fit, and any of its values is enough', () => {
  const values = {
    messageId: [message.messageId, 'msg_other'],
    url: [message.url, 'https://example.com/other'],
    host: ['example.com:8443', 'example.org'],
    path: ['/a/b', '/other'],
    label: ['red', 'green'],
    callerIp: ['192.0.2.1', '192.0.2.2'],
  };
  const fields = Object.fromEntries(
    Object.entries(values).map(([name, [fits, other]]) => [
      name,
      fc.subarray([fits!, other!], { minLength: 1 }).map((chosen) => ({ chosen, fits: chosen.includes(fits!) })),
    ]),
  );
  fc.assert(
    fc.property(fc.record(fields, { requiredKeys: [] }), (drawn) => {
      const filter = Object.fromEntries(Object.entries(drawn).map(([name, values]) => [name, values!.chosen]));
      expect(matchesMessage(filter, message)).toBe(Object.values(drawn).every((values) => values!.fits));
    }),
  );
});

test.each<[MessageFilter, boolean]>([
  [{}, true],
  [{ fromDate: NOW }, true],
  [{ fromDate: NOW + 1 }, false],
  [{ toDate: NOW }, true],
  [{ toDate: NOW - 1 }, false],
  [{ fromDate: NOW, toDate: NOW }, true],
  [{ fromDate: 0, toDate: 0 }, false],
  [{ fromDate: NOW - 1, toDate: NOW + 1 }, true],
])('dates are inclusive: %j', (filter, expected) => {
  expect(matchesTime(filter, NOW)).toBe(expected);
});
