import fc from 'fast-check';
import { Heap } from '../../../local/sqs/heap';

test('a heap gives its items in order whatever is added and removed between', () => {
  const operation = fc.oneof(
    fc.record({ add: fc.integer({ min: 0, max: 30 }) }),
    fc.record({ remove: fc.nat(50) }),
    fc.constant('pop' as const),
  );
  fc.assert(
    fc.property(fc.array(operation, { maxLength: 200 }), (operations) => {
      const heap = new Heap<{ rank: number }>((a, b) => a.rank < b.rank);
      const model: { rank: number }[] = [];
      const lowest = (): number | undefined => (model.length > 0 ? Math.min(...model.map((i) => i.rank)) : undefined);
      for (const step of operations) {
        if (step === 'pop') {
          const expected = lowest();
          const popped = heap.pop();
          expect(popped?.rank).toBe(expected);
          if (popped) model.splice(model.indexOf(popped), 1);
        } else if ('add' in step) {
          const item = { rank: step.add };
          heap.push(item);
          model.push(item);
        } else if (model.length > 0) {
          const [item] = model.splice(step.remove % model.length, 1);
          expect(heap.remove(item!)).toBe(true);
          expect(heap.remove(item!)).toBe(false);
        }
        expect(heap.size).toBe(model.length);
        expect(heap.peek()?.rank).toBe(lowest());
      }
    }),
  );
});
