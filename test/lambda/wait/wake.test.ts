import fc from 'fast-check';
import type { WaitList } from '../../../lambda/message/wait-list';
import { decodeHint } from '../../../lambda/wait/hint';
import { decodeWake, encodeWake, sendWake, sendWakes, type Wake } from '../../../lambda/wait/wake';
import { errorAnswer } from '../../../local/aws-call';
import { useStandIns } from '../stand-ins';

const opened = useStandIns();

const lists: fc.Arbitrary<WaitList> = fc.record({
  kind: fc.constantFrom('queue', 'flow'),
  name: fc.string({ minLength: 1 }),
});

test('a wake comes back as it was, and is no hint', () => {
  const wakes: fc.Arbitrary<Wake> = fc.record(
    { list: lists, check: fc.constant(true), due: fc.nat(9_999_999_999_999) },
    { requiredKeys: ['list'] },
  );
  fc.assert(
    fc.property(wakes, (wake) => {
      expect(decodeWake(encodeWake(wake))).toEqual(wake);
      expect(decodeHint(encodeWake(wake))).toBeUndefined();
    }),
  );
});

test.each(['', '{}', 'null', '{"queue":1}', '{"queue":""}', '{"flow":["a"]}', '{"queue":"a","d":"1"}'])(
  '%j is no wake',
  (body) => {
    expect(decodeWake(body)).toBeUndefined();
  },
);

test('no text makes it throw', () => {
  fc.assert(
    fc.property(fc.oneof(fc.string({ unit: 'binary' }), fc.json()), (body) => {
      expect(() => decodeWake(body)).not.toThrow();
    }),
  );
});

const list: WaitList = { kind: 'queue', name: 'orders' };

test('none is dropped because it says the same as another', async () => {
  await Promise.all([sendWake({ list }), sendWake({ list }), sendWake({ list, check: true })]);
  expect(opened.bodies('wakes').map((body) => decodeWake(body)!.check ?? false)).toEqual(
    expect.arrayContaining([false, false, true]),
  );
  expect(opened.bodies('wakes')).toHaveLength(3);
});

test('of many each list is woken once, and one that fails is told', async () => {
  const many = Array.from({ length: 25 }, (_, index): WaitList => ({ kind: 'flow', name: `key-${index % 20}` }));
  const isBroken = (body: unknown) => String(body).includes('"key-7"');
  opened.intercept = async (call, execute) =>
    isBroken(call.input.MessageBody) ? errorAnswer(400, 'InvalidParameterValue', 'no') : execute();
  const woken = await sendWakes(many);
  expect(opened.bodies('wakes')).toHaveLength(19);
  expect(many.filter((each) => !woken(each)).map(({ name }) => name)).toEqual(['key-7']);
});
