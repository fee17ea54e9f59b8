import fc from 'fast-check';
import { derivedMessageId } from '../../../lambda/message/message-id';
import { bodyKey, heldKey, isHeld } from '../../../lambda/store/body-key';

const NOW = 1_780_000_000_000;
const DAY = 86_400_000;
const messageId = derivedMessageId(NOW, 'a');
const token = messageId.slice('msg_1'.length);

test.each([
  [0, 'd8'],
  [7, 'd8'],
  [7.001, 'd40'],
  [39, 'd40'],
  [39.001, 'd400'],
  [399, 'd400'],
  [399.001, 'hold'],
])('the body of a message that expires in %d days is below %s', (days, prefix) => {
  expect(bodyKey(messageId, NOW + days * DAY, NOW)).toBe(`${prefix}/${token}`);
});

test('a body whose message has no end yet is held', () => {
  const key = bodyKey(messageId, undefined, NOW);
  expect([key, isHeld(key)]).toEqual([heldKey(messageId), true]);
});

test('whatever is not held outlives its message by a day', () => {
  fc.assert(
    fc.property(fc.nat(800 * DAY), (ms) => {
      const key = bodyKey(messageId, NOW + ms, NOW);
      const [, days] = /^d(\d+)\//.exec(key) ?? [];
      expect(days === undefined).toBe(isHeld(key));
      if (days !== undefined) expect(Number(days) * DAY).toBeGreaterThanOrEqual(ms + DAY);
    }),
  );
});
