import { INVALID, type Probe, refusal } from './probe';
import type { Cases } from './sqs-conformance';

async function drain(sqs: Probe, url: string, MaxNumberOfMessages: number): Promise<(string | undefined)[]> {
  const bodies: (string | undefined)[] = [];
  for (;;) {
    const messages = await sqs.receive(url, { MaxNumberOfMessages });
    if (messages.length === 0) return bodies;
    for (const message of messages) {
      bodies.push(message.Body);
      await sqs.delete(url, message);
    }
  }
}

export const FIFO_CASES: Cases = {
  async 'a group keeps its order, with growing sequence numbers'(sqs) {
    const url = await sqs.fifo();
    const bodies = Array.from({ length: 12 }, (_, i) => `a${i}`);
    const numbers: bigint[] = [];
    for (const body of bodies) numbers.push(BigInt((await sqs.sendTo(url, 'A', body)).SequenceNumber!));
    expect(numbers).toEqual([...numbers].sort((a, b) => (a < b ? -1 : 1)));
    expect(await drain(sqs, url, 10)).toEqual(bodies);
  },

  async 'one receive returns several messages of a group, in order'(sqs) {
    const url = await sqs.fifo();
    const bodies = ['a0', 'a1', 'a2', 'a3'];
    for (const body of bodies) await sqs.sendTo(url, 'A', body);
    expect(await sqs.bodies(url)).toEqual(bodies);
  },

  async 'a group waits while any of it is in flight, and others flow'(sqs) {
    const url = await sqs.fifo();
    await sqs.sendTo(url, 'A', 'a1');
    await sqs.sendTo(url, 'A', 'a2');
    await sqs.sendTo(url, 'B', 'b1');
    const [first] = await sqs.receive(url, { MaxNumberOfMessages: 1 });
    expect(first!.Body).toBe('a1');
    expect(await sqs.bodies(url)).toEqual(['b1']);
    expect(await sqs.bodies(url)).toEqual([]);
    await sqs.delete(url, first!);
    expect(await sqs.bodies(url)).toEqual(['a2']);
  },

  async 'a group that waits goes on as soon as its message is deleted'(sqs) {
    const url = await sqs.fifo();
    await sqs.sendTo(url, 'A', 'a1');
    await sqs.sendTo(url, 'A', 'a2');
    const [first] = await sqs.receive(url, { MaxNumberOfMessages: 1 });
    const waiting = sqs.bodies(url, { WaitTimeSeconds: 20 });
    await sqs.delete(url, first!);
    expect(await waiting).toEqual(['a2']);
  },

  async 'a message made visible again is the next of its group'(sqs) {
    const url = await sqs.fifo();
    const bodies = ['1', '2', '3'];
    for (const body of bodies) await sqs.sendTo(url, 'A', body);
    const [first] = await sqs.receive(url, { MaxNumberOfMessages: 1 });
    await sqs.hide(url, first!, 0);
    expect(await drain(sqs, url, 1)).toEqual(bodies);
  },

  async 'a duplicate is answered like the first and not delivered, even after deletion'(sqs) {
    const url = await sqs.fifo();
    const id = { MessageGroupId: 'g', MessageDeduplicationId: 'same' };
    const first = await sqs.send(url, 'x', id);
    expect((await sqs.send(url, 'y', id)).MessageId).toBe(first.MessageId);
    expect(await drain(sqs, url, 10)).toEqual(['x']);
    await sqs.send(url, 'z', id);
    expect(await sqs.receive(url)).toEqual([]);
  },

  async 'the body can be the deduplication id'(sqs) {
    const url = await sqs.fifo({ ContentBasedDeduplication: 'true' });
    for (const body of ['q', 'q', 'r']) await sqs.send(url, body, { MessageGroupId: 'g' });
    expect(await drain(sqs, url, 10)).toEqual(['q', 'r']);
  },

  async 'deduplication can be within the group'(sqs) {
    const url = await sqs.fifo({ DeduplicationScope: 'messageGroup', FifoThroughputLimit: 'perMessageGroupId' });
    for (const MessageGroupId of ['g1', 'g2', 'g1']) {
      await sqs.send(url, MessageGroupId, { MessageGroupId, MessageDeduplicationId: 'same' });
    }
    expect((await drain(sqs, url, 10)).sort()).toEqual(['g1', 'g2']);
  },

  async 'a message needs a group id and a deduplication id'(sqs) {
    const url = await sqs.fifo();
    expect(await refusal(sqs.send(url, 'x', { MessageDeduplicationId: 'd' }))).toMatch(INVALID);
    expect(await refusal(sqs.send(url, 'x', { MessageGroupId: 'g' }))).toMatch(INVALID);
    expect(await refusal(sqs.send(url, 'x', { MessageGroupId: 'g h', MessageDeduplicationId: 'd' }))).toMatch(INVALID);
  },

  async 'a message brings no delay of its own'(sqs) {
    const url = await sqs.fifo();
    const id = { MessageGroupId: 'g', MessageDeduplicationId: 'd' };
    expect(await refusal(sqs.send(url, 'x', { ...id, DelaySeconds: 5 }))).toMatch(INVALID);
  },

  async 'the name ends with .fifo if and only if the queue is FIFO'(sqs) {
    expect(await refusal(sqs.queue({ FifoQueue: 'true' }))).toMatch(INVALID);
    expect(await refusal(sqs.queue({}, '.fifo'))).toMatch(INVALID);
  },

  async 'the queue can delay'(sqs) {
    const url = await sqs.fifo({ DelaySeconds: String(sqs.span) });
    await sqs.sendTo(url, 'A', '1');
    expect(await sqs.receive(url)).toEqual([]);
    await sqs.pass(sqs.span);
    expect(await sqs.bodies(url)).toEqual(['1']);
  },

  async 'a dead letter leaves its group, which goes on, and keeps its group id'(sqs) {
    const { url, deadUrl } = await sqs.withDeadLetters(1, true);
    await sqs.sendTo(url, 'A', '1');
    await sqs.sendTo(url, 'A', '2');
    const [first] = await sqs.receive(url, { MaxNumberOfMessages: 1 });
    await sqs.hide(url, first!, 0);
    expect(await sqs.bodies(url, { MaxNumberOfMessages: 1 })).toEqual(['2']);
    const [dead] = await sqs.receive(deadUrl);
    expect(dead).toMatchObject({ Body: '1', Attributes: { MessageGroupId: 'A' } });
  },

  async 'the handle of an ended visibility is refused'(sqs) {
    const url = await sqs.fifo();
    await sqs.sendTo(url, 'A', '1');
    const [first] = await sqs.receive(url);
    await sqs.hide(url, first!, 0);
    expect(await refusal(sqs.delete(url, first!))).toMatch(INVALID);
    expect(await sqs.counts(url)).toEqual([1, 0, 0]);
  },

  async 'many consumers that hand messages back see every group in order'(sqs) {
    const url = await sqs.fifo();
    const groups = ['a', 'b', 'c', 'd'];
    for (let i = 0; i < 15; i++) await Promise.all(groups.map((group) => sqs.sendTo(url, group, `${group} ${i}`)));
    const seen = new Map<string, number[]>(groups.map((group) => [group, []]));
    let left = 60;
    await Promise.all(
      [0, 1, 2, 3].map(async (consumer) => {
        for (let turn = consumer; left > 0; turn++) {
          const messages = await sqs.receive(url, { MaxNumberOfMessages: 3 });
          if (turn % 6 === 0) {
            for (const message of messages) await sqs.hide(url, message, 0);
            continue;
          }
          for (const message of messages) {
            const [group, i] = message.Body!.split(' ');
            seen.get(group!)!.push(Number(i));
            left--;
            await sqs.delete(url, message);
          }
        }
      }),
    );
    const inOrder = Array.from({ length: 15 }, (_, i) => i);
    for (const group of groups) expect(seen.get(group)).toEqual(inOrder);
  },
};
