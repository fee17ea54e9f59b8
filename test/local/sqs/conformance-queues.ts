import {
  CancelMessageMoveTaskCommand,
  CreateQueueCommand,
  DeleteQueueCommand,
  GetQueueUrlCommand,
  ListDeadLetterSourceQueuesCommand,
  ListMessageMoveTasksCommand,
  ListQueuesCommand,
  ListQueueTagsCommand,
  PurgeQueueCommand,
  QueueDoesNotExist,
  SetQueueAttributesCommand,
  StartMessageMoveTaskCommand,
  TagQueueCommand,
  UntagQueueCommand,
} from '@aws-sdk/client-sqs';
import { INVALID, type Probe, refusal } from './probe';
import type { Cases } from './sqs-conformance';

async function finished(sqs: Probe, SourceArn: string): Promise<string | undefined> {
  for (;;) {
    const { Results } = await sqs.client.send(new ListMessageMoveTasksCommand({ SourceArn }));
    if (Results?.[0]?.Status !== 'RUNNING') return Results?.[0]?.Status;
  }
}

/** Puts messages into the dead letter queue of a queue the hard way. */
async function bury(sqs: Probe, url: string, bodies: readonly string[]): Promise<void> {
  for (const body of bodies) await sqs.send(url, body);
  let received = 0;
  while (received < bodies.length) received += (await sqs.receive(url, { VisibilityTimeout: 0 })).length;
  while ((await sqs.receive(url)).length > 0);
}

export const QUEUE_CASES: Cases = {
  async 'a queue is found by name and by prefix, and created again with the same attributes is the same'(sqs) {
    const name = sqs.name();
    const input = { QueueName: name, Attributes: { VisibilityTimeout: '45' } };
    const { QueueUrl } = await sqs.client.send(new CreateQueueCommand(input));
    expect((await sqs.client.send(new CreateQueueCommand(input))).QueueUrl).toBe(QueueUrl);
    expect((await sqs.client.send(new GetQueueUrlCommand({ QueueName: name }))).QueueUrl).toBe(QueueUrl);
    const listed = await sqs.client.send(new ListQueuesCommand({ QueueNamePrefix: name }));
    expect(listed.QueueUrls).toEqual([QueueUrl]);
    const other = new CreateQueueCommand({ QueueName: name, Attributes: { VisibilityTimeout: '46' } });
    expect(await refusal(sqs.client.send(other))).toMatch(/QueueNameExists|QueueAlreadyExists/);
  },

  async 'ListQueues pages'(sqs) {
    const prefix = sqs.name();
    for (const tail of ['a', 'b', 'c'])
      await sqs.client.send(new CreateQueueCommand({ QueueName: `${prefix}-${tail}` }));
    const urls: string[] = [];
    let NextToken: string | undefined;
    do {
      const page = await sqs.client.send(
        new ListQueuesCommand({ QueueNamePrefix: prefix, MaxResults: 2, ...(NextToken ? { NextToken } : {}) }),
      );
      expect(page.QueueUrls!.length).toBeLessThanOrEqual(2);
      urls.push(...page.QueueUrls!);
      NextToken = page.NextToken;
    } while (NextToken);
    expect(urls.map((url) => url.at(-1))).toEqual(['a', 'b', 'c']);
  },

  async 'the defaults are the documented ones'(sqs) {
    const all = await sqs.attributes(await sqs.queue());
    expect(all).toMatchObject({
      DelaySeconds: '0',
      MaximumMessageSize: '1048576',
      MessageRetentionPeriod: '345600',
      ReceiveMessageWaitTimeSeconds: '0',
      VisibilityTimeout: '30',
    });
    expect(all.QueueArn).toMatch(/^arn:aws:sqs:us-east-1:\d{12}:queue-/);
    expect(all.CreatedTimestamp).toMatch(/^\d{10,11}$/);
  },

  async 'GetQueueAttributes returns what was asked for'(sqs) {
    const url = await sqs.queue();
    expect(Object.keys(await sqs.attributes(url, 'DelaySeconds', 'QueueArn')).sort()).toEqual([
      'DelaySeconds',
      'QueueArn',
    ]);
  },

  async 'a queue that does not exist is refused with the class of the SDK'(sqs) {
    const url = await sqs.queue();
    await expect(sqs.send(`${url}-not`, 'x')).rejects.toBeInstanceOf(QueueDoesNotExist);
    await expect(sqs.client.send(new GetQueueUrlCommand({ QueueName: sqs.name() }))).rejects.toBeInstanceOf(
      QueueDoesNotExist,
    );
  },

  async 'a deleted queue is gone'(sqs) {
    const url = await sqs.queue();
    await sqs.client.send(new DeleteQueueCommand({ QueueUrl: url }));
    await expect(sqs.send(url, 'x')).rejects.toBeInstanceOf(QueueDoesNotExist);
  },

  async 'attributes out of range or unknown are refused'(sqs) {
    const bad: Record<string, string>[] = [
      { VisibilityTimeout: '43201' },
      { DelaySeconds: '901' },
      { MessageRetentionPeriod: '59' },
      { MaximumMessageSize: '1048577' },
      { ReceiveMessageWaitTimeSeconds: '21' },
      { NoSuchAttribute: '1' },
    ];
    for (const attributes of bad) expect(await refusal(sqs.queue(attributes))).toMatch(INVALID);
  },

  async 'SetQueueAttributes changes, and removes a redrive policy'(sqs) {
    const { url } = await sqs.withDeadLetters(3);
    const set = (Attributes: Record<string, string>) =>
      sqs.client.send(new SetQueueAttributesCommand({ QueueUrl: url, Attributes }));
    await set({ VisibilityTimeout: '77' });
    const before = await sqs.attributes(url);
    expect(before.VisibilityTimeout).toBe('77');
    expect(Number(JSON.parse(before.RedrivePolicy!).maxReceiveCount)).toBe(3);
    await set({ RedrivePolicy: '' });
    expect((await sqs.attributes(url)).RedrivePolicy ?? '').toBe('');
  },

  async 'a redrive policy needs an existing target of the same kind and a count'(sqs) {
    const fifoArn = await sqs.arn(await sqs.fifo());
    const arn = await sqs.arn(await sqs.queue());
    for (const policy of [
      { deadLetterTargetArn: `${arn}-not`, maxReceiveCount: 1 },
      { deadLetterTargetArn: fifoArn, maxReceiveCount: 1 },
      { deadLetterTargetArn: arn, maxReceiveCount: 0 },
      { deadLetterTargetArn: arn, maxReceiveCount: 1001 },
      { deadLetterTargetArn: arn },
    ]) {
      expect(await refusal(sqs.queue({ RedrivePolicy: JSON.stringify(policy) }))).toMatch(INVALID);
    }
  },

  async 'a RedriveAllowPolicy decides who may use the dead letter queue'(sqs) {
    const name = sqs.name();
    const deadUrl = await sqs.queue();
    const deadLetterTargetArn = await sqs.arn(deadUrl);
    const allow = (policy: object) =>
      sqs.client.send(
        new SetQueueAttributesCommand({
          QueueUrl: deadUrl,
          Attributes: { RedriveAllowPolicy: JSON.stringify(policy) },
        }),
      );
    const use = (QueueName: string) =>
      sqs.client.send(
        new CreateQueueCommand({
          QueueName,
          Attributes: { RedrivePolicy: JSON.stringify({ deadLetterTargetArn, maxReceiveCount: 1 }) },
        }),
      );
    await allow({ redrivePermission: 'denyAll' });
    expect(await refusal(use(name))).toMatch(INVALID);
    const sourceQueueArns = [deadLetterTargetArn.replace(/[^:]+$/, name)];
    await allow({ redrivePermission: 'byQueue', sourceQueueArns });
    await use(name);
    expect(await refusal(use(sqs.name()))).toMatch(INVALID);
  },

  async 'ListDeadLetterSourceQueues lists the sources'(sqs) {
    const { url, deadUrl } = await sqs.withDeadLetters(1);
    const listed = await sqs.client.send(new ListDeadLetterSourceQueuesCommand({ QueueUrl: deadUrl }));
    expect(listed.queueUrls).toEqual([url]);
  },

  async 'a move task takes dead letters back to their source as new messages'(sqs) {
    const { url, deadUrl } = await sqs.withDeadLetters(1);
    const bodies = ['a', 'b', 'c'];
    await bury(sqs, url, bodies);
    expect(await sqs.counts(deadUrl)).toEqual([3, 0, 0]);
    const SourceArn = await sqs.arn(deadUrl);
    await sqs.client.send(new StartMessageMoveTaskCommand({ SourceArn }));
    expect(await finished(sqs, SourceArn)).toBe('COMPLETED');
    expect(await sqs.counts(deadUrl)).toEqual([0, 0, 0]);
    const back = await sqs.receive(url);
    expect(back.map(({ Body }) => Body).sort()).toEqual(bodies);
    expect(back.map(({ Attributes }) => Attributes?.ApproximateReceiveCount)).toEqual(['1', '1', '1']);
  },

  async 'a move task takes messages to a destination, but only out of a dead letter queue'(sqs) {
    const { deadUrl } = await sqs.withDeadLetters(1);
    const otherUrl = await sqs.queue();
    const DestinationArn = await sqs.arn(otherUrl);
    const SourceArn = await sqs.arn(deadUrl);
    await sqs.send(deadUrl, 'direct');
    await sqs.client.send(new StartMessageMoveTaskCommand({ SourceArn, DestinationArn }));
    expect(await finished(sqs, SourceArn)).toBe('COMPLETED');
    expect(await sqs.bodies(otherUrl)).toEqual(['direct']);
    const start = new StartMessageMoveTaskCommand({ SourceArn: DestinationArn });
    expect(await refusal(sqs.client.send(start))).toMatch(INVALID);
  },

  async 'a move task without destination fails on a message that never was in another queue'(sqs) {
    const { deadUrl } = await sqs.withDeadLetters(1);
    await sqs.send(deadUrl, 'direct');
    const SourceArn = await sqs.arn(deadUrl);
    await sqs.client.send(new StartMessageMoveTaskCommand({ SourceArn }));
    expect(await finished(sqs, SourceArn)).toBe('FAILED');
    expect(await sqs.counts(deadUrl)).toEqual([1, 0, 0]);
  },

  async 'a move task with a rate can be cancelled, and two at once are refused'(sqs) {
    const { url, deadUrl } = await sqs.withDeadLetters(1);
    await bury(sqs, url, ['a', 'b', 'c']);
    const SourceArn = await sqs.arn(deadUrl);
    const start = new StartMessageMoveTaskCommand({ SourceArn, MaxNumberOfMessagesPerSecond: 1 });
    const { TaskHandle } = await sqs.client.send(start);
    expect(await refusal(sqs.client.send(start))).toBe('UnsupportedOperation');
    await sqs.client.send(new CancelMessageMoveTaskCommand({ TaskHandle }));
    expect(await finished(sqs, SourceArn)).toBe('CANCELLED');
    expect((await sqs.counts(deadUrl))[0]).toBeGreaterThan(0);
  },

  async 'PurgeQueue empties a queue, once a minute'(sqs) {
    const url = await sqs.queue();
    for (const body of ['visible', 'in flight']) await sqs.send(url, body);
    await sqs.receive(url, { MaxNumberOfMessages: 1 });
    await sqs.send(url, 'delayed', { DelaySeconds: 600 });
    await sqs.client.send(new PurgeQueueCommand({ QueueUrl: url }));
    expect(await sqs.counts(url)).toEqual([0, 0, 0]);
    expect(await refusal(sqs.client.send(new PurgeQueueCommand({ QueueUrl: url })))).toBe('PurgeQueueInProgress');
  },

  async 'tags are kept, added and removed'(sqs) {
    const QueueName = sqs.name();
    const { QueueUrl } = await sqs.client.send(new CreateQueueCommand({ QueueName, tags: { a: '1' } }));
    await sqs.client.send(new TagQueueCommand({ QueueUrl, Tags: { b: '2' } }));
    await sqs.client.send(new UntagQueueCommand({ QueueUrl, TagKeys: ['a'] }));
    expect((await sqs.client.send(new ListQueueTagsCommand({ QueueUrl }))).Tags).toEqual({ b: '2' });
  },
};
