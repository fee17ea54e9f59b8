import { createHash } from 'node:crypto';
import { shownHeader } from '../../../lambda/message/shown-header';

test.each(['Authorization', 'Cookie', 'Proxy-Authorization', 'X-Api-Key'])('%s is shown by its hash alone', (name) => {
  const shown = shownHeader({ [name]: ['secret', 'other'], 'X-Plain': ['plain'] });
  const hash = (value: string) => `REDACTED:${createHash('sha256').update(value).digest('hex')}`;
  expect(shown).toEqual({ [name]: [hash('secret'), hash('other')], 'X-Plain': ['plain'] });
  expect(JSON.stringify(shown)).not.toContain('secret');
});

test('the header itself keeps its values', () => {
  const header = { Authorization: ['secret'] };
  shownHeader(header);
  expect(header).toEqual({ Authorization: ['secret'] });
});

test('names of object internals are plain names', () => {
  const shown = shownHeader(JSON.parse('{"__proto__":["a"],"Constructor":["b"]}'));
  expect(Object.entries(shown)).toEqual([
    ['__proto__', ['a']],
    ['Constructor', ['b']],
  ]);
});
