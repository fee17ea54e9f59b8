import fc from 'fast-check';
import type { HeaderMap } from '../../../lambda/message/message';
import { deduplicationDigest } from '../../../lambda/publish/deduplication';

interface Content {
  readonly url: string;
  readonly header: HeaderMap;
  readonly body: Uint8Array;
}

const content: Content = {
  url: 'https://example.com/',
  header: { 'Content-Type': ['text/plain'], 'X-One': ['1'] },
  body: Buffer.from('body'),
};
const byContent = (message: Content) => deduplicationDigest({ contentBasedDeduplication: true }, message);
const byId = (deduplicationId: string, message = content) =>
  deduplicationDigest({ deduplicationId, contentBasedDeduplication: false }, message);

const contents: fc.Arbitrary<Content> = fc.record({
  url: fc.constantFrom('https://example.com/', 'https://example.com/a', 'https://example.org/'),
  header: fc.dictionary(
    fc.constantFrom('Content-Type', 'X-One', 'X-Two', '__proto__'),
    fc.array(fc.constantFrom('', 'a', 'b,c')),
  ),
  body: fc.constantFrom('', 'a', '\n', '[]').map((text) => Buffer.from(text)),
});

test('a publisher who asks for none has none', () => {
  expect(deduplicationDigest({ contentBasedDeduplication: false }, content)).toBeUndefined();
});

test('an id counts whatever is published, and wins over the content', () => {
  const other = { ...content, url: 'https://example.org/', body: Buffer.from('other') };
  expect(byId('a')).toBe(byId('a', other));
  expect(byId('a')).not.toBe(byId('b'));
  expect(deduplicationDigest({ deduplicationId: 'a', contentBasedDeduplication: true }, content)).toBe(byId('a'));
});

test('contents are the same only with the same destination, body and headers', () => {
  const normal = ({ url, header, body }: Content) =>
    JSON.stringify([url, Object.entries(header).sort(([a], [b]) => (a < b ? -1 : 1)), body.toString()]);
  fc.assert(
    fc.property(contents, contents, (a, b) => {
      expect(byContent(a) === byContent(b)).toBe(normal(a) === normal(b));
    }),
    { numRuns: 2_000 },
  );
});

test.each<[string, Partial<Content>]>([
  ['destination', { url: 'https://example.com/?' }],
  ['body', { body: Buffer.from('bodY') }],
  ['empty body', { body: new Uint8Array() }],
  ['Content-Type', { header: { 'Content-Type': ['text/html'], 'X-One': ['1'] } }],
  ['forwarded header', { header: { 'Content-Type': ['text/plain'], 'X-One': ['2'] } }],
  ['missing header', { header: { 'Content-Type': ['text/plain'] } }],
])('another %s is another content', (_what, change) => {
  expect(byContent({ ...content, ...change })).not.toBe(byContent(content));
});

test('the order of headers does not count', () => {
  expect(byContent({ ...content, header: { 'X-One': ['1'], 'Content-Type': ['text/plain'] } })).toBe(
    byContent(content),
  );
});

test('an id is never a content', () => {
  const text = `${JSON.stringify([content.url, Object.entries(content.header)])}\nbody`;
  expect([byId(text), byId(`content\n${text}`)]).not.toContain(byContent(content));
});
