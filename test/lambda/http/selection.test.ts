import fc from 'fast-check';
import type { ApiRequest } from '../../../lambda/http/api-request';
import { MESSAGE_FILTER, type ParameterTable, readQuery, readSelection } from '../../../lambda/http/selection';

const NOW = 1_780_000_000_000;
const TABLE: ParameterTable = {
  messageIds: 'many',
  ...MESSAGE_FILTER,
  host: 'many',
  path: 'many',
  count: 'one',
  cursor: 'one',
  order: 'one',
};

const request = (query: string, body: unknown = ''): ApiRequest => ({
  method: 'DELETE',
  path: '/v2/messages',
  prefix: '',
  query: new URLSearchParams(query),
  rawQuery: query,
  headers: {},
  body: Buffer.from(typeof body === 'string' ? body : JSON.stringify(body)),
  callerIp: undefined,
  host: 'localhost',
  now: NOW,
});
const query = (text: string) => readQuery(request(text), TABLE);
const selection = (text: string, body?: unknown) => readSelection(request(text, body), TABLE);
const refusal = (message: RegExp | string) =>
  expect.objectContaining({
    status: 400,
    message: typeof message === 'string' ? message : expect.stringMatching(message),
  });

const FILTERS = Object.keys(TABLE).filter((name) => !['count', 'cursor', 'order'].includes(name));

test('nothing selects everything', () => {
  expect(query('').isEmpty).toBe(true);
  expect(query('').messageFilter()).toEqual({ fromDate: undefined, toDate: undefined });
});

test.each(['count=5', 'cursor=a', 'order=a', 'count=5&cursor=a'])('%s selects nothing', (text) => {
  expect(query(text).isEmpty).toBe(true);
});

test.each(FILTERS)('%s selects', (name) => {
  const value = name.endsWith('Date') ? String(NOW) : 'a';
  expect(query(`${name}=${value}`).isEmpty).toBe(false);
});

describe('values', () => {
  test('are a list with commas, a name given again, or both', () => {
    expect(query('label=a,b&label=c').many('label')).toEqual(['a', 'b', 'c']);
    expect(query('label=a%2C%20b').many('label')).toEqual(['a', 'b']);
  });

  test('of a URL go on where the next URL begins', () => {
    const urls = ['https://example.com/a,b', 'http://example.com/?c=d,e'];
    expect(query(`url=${encodeURIComponent(urls.join(','))}`).many('url')).toEqual(urls);
    expect(query(urls.map((url) => `url=${encodeURIComponent(url)}`).join('&')).many('url')).toEqual(urls);
  });

  test('of a path go on where the next path begins', () => {
    expect(query('path=/a,b,/c').many('path')).toEqual(['/a,b', '/c']);
    expect(query('path=/a,b').messageFilter()).toMatchObject({ path: ['/a,b'] });
  });

  test('under the two spellings of the caller are one list', () => {
    expect(query('callerIp=192.0.2.1').messageFilter().callerIp).toEqual(['192.0.2.1']);
    expect(query('callerIP=192.0.2.1').messageFilter().callerIp).toEqual(['192.0.2.1']);
    expect(query('callerIp=192.0.2.1&callerIP=192.0.2.2').messageFilter().callerIp).toEqual(['192.0.2.1', '192.0.2.2']);
  });

  test('are at most a hundred of one name', () => {
    const values = (count: number) => Array.from({ length: count }, (_, index) => index);
    expect(query(`label=${values(100)}`).many('label')).toHaveLength(100);
    expect(() => query(`label=${values(101)}`)).toThrow(refusal('invalid label: more than 100 values'));
    expect(() =>
      query(
        values(101)
          .map((value) => `label=${value}`)
          .join('&'),
      ),
    ).toThrow(refusal(/more than 100 values/));
  });
});

describe('refused, because it could be read as everything', () => {
  test.each(FILTERS)('%s without a value', (name) => {
    for (const text of [`${name}=`, name, `${name}=&count=5`]) {
      expect(() => query(text)).toThrow(refusal(`invalid ${name}: it has no value`));
      expect(() => selection(text)).toThrow(refusal(`invalid ${name}: it has no value`));
    }
    expect(() => selection('', { [name]: '' })).toThrow(refusal(`invalid ${name}: it has no value`));
    expect(() => selection('', { [name]: [] })).toThrow(refusal(`invalid ${name}: an empty list selects nothing`));
  });

  test.each(FILTERS.filter((name) => TABLE[name] === 'many'))('%s with a gap in its list', (name) => {
    for (const value of [',', 'a,', ',a', 'a,,b', ' ', 'a, ,b']) {
      if (name !== 'url' && name !== 'path')
        expect(() => query(`${name}=${value}`)).toThrow(refusal(/it has no value$/));
      expect(() => selection('', { [name]: ['a', ''] })).toThrow(refusal(/it has no value$/));
    }
  });

  test.each(FILTERS)('%s misspelt', (name) => {
    for (const wrong of [`${name}s`, name.slice(1), name.toUpperCase(), `${name}%20`, `_${name}`, `${name}[]`]) {
      expect(() => query(`${wrong}=a`)).toThrow(refusal(/^unknown parameter .*: known are messageIds, url, /));
      expect(() => selection(`${wrong}=a&label=b`)).toThrow(refusal(/^unknown parameter /));
      expect(() => selection('', { [decodeURIComponent(wrong)]: 'a' })).toThrow(refusal(/^unknown parameter /));
    }
  });

  test.each(['__proto__', 'constructor', 'toString', 'hasOwnProperty'])('%s', (name) => {
    expect(() => query(`${name}=a`)).toThrow(refusal(/^unknown parameter /));
    expect(() => selection('', `{"${name}":"a"}`)).toThrow(refusal(/^unknown parameter /));
  });

  test.each<[unknown, RegExp]>([
    [{}, /^invalid body: it selects nothing/],
    [{ messageIds: null }, /^invalid body: it selects nothing/],
    [{ messageIds: null, label: null }, /^invalid body: it selects nothing/],
    ['null', /^invalid body: it is not a JSON object/],
    ['[]', /^invalid body: it is not a JSON object/],
    ['["msg_1"]', /^invalid body: it is not a JSON object/],
    ['"msg_1"', /^invalid body: it is not a JSON object/],
    ['5', /^invalid body: it is not a JSON object/],
    ['{', /^invalid body: it is not a JSON object/],
    [' ', /^invalid body: it is not a JSON object/],
    ['messageIds=a', /^invalid body: it is not a JSON object/],
    [{ messageIds: {} }, /^invalid messageIds: neither text nor a number/],
    [{ messageIds: true }, /^invalid messageIds: neither text nor a number/],
    [{ messageIds: [null] }, /^invalid messageIds: neither text nor a number/],
    [{ messageIds: [[]] }, /^invalid messageIds: neither text nor a number/],
    [{ messageIds: [['a']] }, /^invalid messageIds: neither text nor a number/],
    [{ label: 'a', messageIds: [] }, /^invalid messageIds: an empty list selects nothing/],
  ])('the body %j', (body, message) => {
    expect(() => selection('', body)).toThrow(refusal(message));
    expect(() => selection('count=5', body)).toThrow(refusal(message));
  });

  test('a body that is not UTF-8', () => {
    const broken = { ...request(''), body: Buffer.from([0x7b, 0xff, 0x7d]) };
    expect(() => readSelection(broken, TABLE)).toThrow(refusal(/^invalid body: it is not a JSON object/));
  });

  test.each(['fromDate', 'toDate'] as const)('%s that is no time in milliseconds', (name) => {
    for (const value of ['a', '-1', '1.5', '1e12', '0x1', '1780000000', '99999999999', '17800000000000', 'NaN', '١']) {
      expect(() => query(`${name}=${value}`).messageFilter()).toThrow(
        refusal(new RegExp(`^invalid ${name}: ".*" is not a unix time in milliseconds$`)),
      );
    }
    expect(() => query(`${name}=${NOW}&${name}=${NOW}`)).toThrow(
      refusal(`invalid ${name}: it is given more than once`),
    );
  });

  test('dates in the wrong order', () => {
    expect(() => query(`fromDate=${NOW + 1}&toDate=${NOW}`).messageFilter()).toThrow(
      refusal('invalid fromDate: it is later than toDate'),
    );
    expect(query(`fromDate=${NOW}&toDate=${NOW}`).messageFilter()).toEqual({ fromDate: NOW, toDate: NOW });
    expect(query('toDate=0').messageFilter()).toEqual({ toDate: 0 });
  });
});

describe('count', () => {
  test.each<[string, number | undefined]>([
    ['', undefined],
    ['count=1', 1],
    ['count=100', 100],
    ['count=101', 100],
    ['count=999999999999999', 100],
  ])('%j is %p of at most 100', (text, expected) => {
    expect(query(text).count(100)).toBe(expected);
  });

  test.each(['0', '-1', '1.5', '1e2', '0x1', 'a', ' 1', '1,2', '9999999999999999', '٣'])('%j is none', (text) => {
    expect(() => query(`count=${encodeURIComponent(text)}`).count(100)).toThrow(
      refusal(/^invalid count: ".*" is not a whole number from 1$/),
    );
  });
});

describe('bodies', () => {
  test('have the same names and rules', () => {
    expect(selection('', { messageIds: ['a', 'b'] }).many('messageIds')).toEqual(['a', 'b']);
    expect(selection('', { label: 'a,b', fromDate: NOW }).messageFilter()).toMatchObject({
      label: ['a', 'b'],
      fromDate: NOW,
    });
    expect(selection('', { label: 'a', topicName: null }).messageFilter()).toEqual({ label: ['a'] });
    expect(selection('', { count: 5 }).count(100)).toBe(5);
  });

  test('add to the paging of the query, and give way to what it selects', () => {
    const paged = selection('count=5&qstash_token=t', { label: 'a' });
    expect([paged.many('label'), paged.count(100)]).toEqual([['a'], 5]);
    expect(() => selection('count=5', { label: 'a', count: 5 })).toThrow(
      refusal('invalid count: it is given more than once'),
    );
    expect(selection('label=a', { label: 'b' }).many('label')).toEqual(['a']);
  });

  test('are not read of a list', () => {
    expect(readQuery(request('label=a', '{'), TABLE).many('label')).toEqual(['a']);
  });
});

test.each(['qstash_token', 'QSTASH_TOKEN', 'trimBody', 'groupBy', 'api'])('%s means nothing here', (name) => {
  expect(query(`${name}=a`).isEmpty).toBe(true);
  expect(query(`${name}=&label=a`).many('label')).toEqual(['a']);
});

test('whatever is accepted selects what was named, and a refusal is short and printable', () => {
  const names = fc.oneof(fc.constantFrom(...Object.keys(TABLE)), fc.string({ unit: 'binary', maxLength: 12 }));
  const values = fc.oneof(
    fc.constantFrom('', 'a', 'a,b', ',', String(NOW), 'https://example.com/,b', '5'),
    fc.string({ unit: 'binary', maxLength: 100 }),
  );
  fc.assert(
    fc.property(fc.array(fc.tuple(names, values), { maxLength: 4 }), fc.boolean(), (pairs, asBody) => {
      const text = new URLSearchParams(pairs).toString();
      try {
        const read = asBody ? selection('', Object.fromEntries(pairs)) : selection(text);
        read.messageFilter();
        for (const [name, value] of asBody ? Object.entries(Object.fromEntries(pairs)) : pairs) {
          if (!Object.hasOwn(TABLE, name)) continue;
          for (const part of read.many(name)!) expect(part).not.toBe('');
          expect(value).not.toBe('');
        }
        const selects = pairs.some(([name]) => FILTERS.includes(name));
        expect(read.isEmpty).toBe(!selects);
      } catch (error) {
        if (!(error instanceof Error) || !('status' in error)) throw error;
        expect(error.status).toBe(400);
        expect(error.message).toMatch(/^[\x20-\x7e]{1,300}$/);
      }
    }),
    { numRuns: 3_000 },
  );
});
