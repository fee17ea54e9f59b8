import {
  CreateQueueCommand,
  DeleteQueueCommand,
  PurgeQueueCommand,
  SetQueueAttributesCommand,
} from '@aws-sdk/client-sqs';
import { refusal } from './probe';
import type { Cases } from './sqs-conformance';

const DAY = 24 * 60 * 60;

export const TIME_CASES: Cases = {
  async 'a delay of 15 minutes ends after 15 minutes'(sqs) {
    const url = await sqs.queue();
    await sqs.send(url, 'a', { DelaySeconds: 900 });
    await sqs.pass(840);
    expect(await sqs.counts(url)).toEqual([0, 0, 1]);
    await sqs.pass(60);
    expect(await sqs.bodies(url)).toEqual(['a']);
  },

  async 'a message is deleted when its retention ends, wherever it is'(sqs) {
    const url = await sqs.queue({ MessageRetentionPeriod: '600' });
    for (const body of ['in flight', 'visible']) await sqs.send(url, body);
    await sqs.receive(url, { MaxNumberOfMessages: 1, VisibilityTimeout: 3600 });
    await sqs.send(url, 'delayed', { DelaySeconds: 900 });
    await sqs.pass(540);
    expect(await sqs.counts(url)).toEqual([1, 1, 1]);
    await sqs.pass(60);
    expect(await sqs.counts(url)).toEqual([0, 0, 0]);
  },

  async 'a longer retention keeps what is there'(sqs) {
    const url = await sqs.queue();
    await sqs.send(url, 'a');
    await sqs.pass(3 * DAY);
    const Attributes = { MessageRetentionPeriod: String(14 * DAY) };
    await sqs.client.send(new SetQueueAttributesCommand({ QueueUrl: url, Attributes }));
    await sqs.pass(3 * DAY);
    expect(await sqs.bodies(url)).toEqual(['a']);
  },

  async 'on a standard queue a dead letter keeps its age'(sqs) {
    const { url, deadUrl } = await sqs.withDeadLetters(1);
    await sqs.send(url, 'a');
    await sqs.receive(url, { VisibilityTimeout: 0 });
    await sqs.pass(3 * DAY);
    await sqs.receive(url);
    expect(await sqs.counts(deadUrl)).toEqual([1, 0, 0]);
    await sqs.pass(DAY);
    expect(await sqs.counts(deadUrl)).toEqual([0, 0, 0]);
  },

  async 'a deduplication id is free again after five minutes'(sqs) {
    const url = await sqs.fifo();
    const id = { MessageGroupId: 'g', MessageDeduplicationId: 'd' };
    await sqs.send(url, 'first', id);
    await sqs.pass(240);
    await sqs.send(url, 'second', id);
    await sqs.pass(60);
    await sqs.send(url, 'third', id);
    expect(await sqs.bodies(url)).toEqual(['first', 'third']);
  },

  async 'a new delay of a FIFO queue holds for the messages that wait'(sqs) {
    const url = await sqs.fifo({ DelaySeconds: '900' });
    await sqs.sendTo(url, 'A', 'a');
    const Attributes = { DelaySeconds: '60' };
    await sqs.client.send(new SetQueueAttributesCommand({ QueueUrl: url, Attributes }));
    await sqs.pass(60);
    expect(await sqs.bodies(url)).toEqual(['a']);
  },

  async 'a second purge is accepted after a minute'(sqs) {
    const purge = new PurgeQueueCommand({ QueueUrl: await sqs.queue() });
    await sqs.client.send(purge);
    await sqs.pass(60);
    await sqs.client.send(purge);
  },

  async 'a deleted queue can be created again after a minute'(sqs) {
    const create = new CreateQueueCommand({ QueueName: sqs.name() });
    const { QueueUrl } = await sqs.client.send(create);
    await sqs.client.send(new DeleteQueueCommand({ QueueUrl }));
    expect(await refusal(sqs.client.send(create))).toBe('QueueDeletedRecently');
    await sqs.pass(60);
    await sqs.client.send(create);
  },
};
