import { ALL_SHARDS, mustPlace } from '../../../lambda/message/message-id';
import { newMessageId } from '../../../lambda/publish/accept-message';

const NOW = 1_780_000_000_000;

test('ids of one moment differ, say that moment, and use every shard', () => {
  const many = Array.from({ length: 1_000 }, () => newMessageId(NOW));
  expect(new Set(many).size).toBe(1_000);
  const places = many.map(mustPlace);
  expect(new Set(places.map(({ time }) => time))).toEqual(new Set([NOW]));
  expect(new Set(places.map(({ shard }) => shard))).toEqual(new Set(ALL_SHARDS));
});
