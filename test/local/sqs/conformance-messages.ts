import { createHash } from 'node:crypto';
import {
  ChangeMessageVisibilityBatchCommand,
  DeleteMessageBatchCommand,
  type MessageAttributeValue,
  SendMessageBatchCommand,
} from '@aws-sdk/client-sqs';
import { INVALID, refusal } from './probe';
import type { Cases } from './sqs-conformance';

const MIB = 1024 * 1024;

function entries(count: number, body = 'b'): { Id: string; MessageBody: string }[] {
  return Array.from({ length: count }, (_, i) => ({ Id: `e${i}`, MessageBody: `${body}${i}` }));
}

function md5(attributes: Record<string, MessageAttributeValue>): string {
  const bytes: Buffer[] = [];
  const part = (value: Uint8Array): void => {
    const length = Buffer.alloc(4);
    length.writeUInt32BE(value.length);
    bytes.push(length, Buffer.from(value));
  };
  for (const name of Object.keys(attributes).sort()) {
    const { DataType, StringValue, BinaryValue } = attributes[name]!;
    part(Buffer.from(name));
    part(Buffer.from(DataType!));
    bytes.push(Buffer.from([BinaryValue ? 2 : 1]));
    part(BinaryValue ?? Buffer.from(StringValue!));
  }
  return createHash('md5').update(Buffer.concat(bytes)).digest('hex');
}

export const MESSAGE_CASES: Cases = {
  async 'a message is sent, received and deleted'(sqs) {
    const url = await sqs.queue();
    const body = 'héllo 世界 "\\\n\t';
    const sent = await sqs.send(url, body);
    expect(sent.MD5OfMessageBody).toBe(createHash('md5').update(body).digest('hex'));
    const [message] = await sqs.receive(url);
    expect(message).toMatchObject({ Body: body, MessageId: sent.MessageId });
    await sqs.delete(url, message!);
    await sqs.delete(url, message!);
    expect(await sqs.counts(url)).toEqual([0, 0, 0]);
  },

  async 'a body may hold characters of every plane'(sqs) {
    const url = await sqs.queue();
    await sqs.send(url, 'rocket 🚀');
    expect(await sqs.bodies(url)).toEqual(['rocket 🚀']);
  },

  async 'a body may not hold control characters, nor be empty'(sqs) {
    const url = await sqs.queue();
    expect(await refusal(sqs.send(url, 'a\u0000b'))).toMatch(/InvalidMessageContents/);
    expect(await refusal(sqs.send(url, 'a\uFFFE'))).toMatch(/InvalidMessageContents/);
    expect(await refusal(sqs.send(url, ''))).toMatch(INVALID);
  },

  async 'a consumer sees counts, times and the sender, under both names of the parameter'(sqs) {
    const url = await sqs.queue();
    await sqs.send(url, 'a');
    const [first] = await sqs.receive(url, { VisibilityTimeout: 0 });
    expect(first!.Attributes).toMatchObject({
      ApproximateReceiveCount: '1',
      SentTimestamp: expect.stringMatching(/^\d{13}$/),
      ApproximateFirstReceiveTimestamp: expect.stringMatching(/^\d{13}$/),
      SenderId: expect.any(String),
    });
    const asked = { MessageSystemAttributeNames: [], VisibilityTimeout: 0 };
    const [second] = await sqs.receive(url, { ...asked, AttributeNames: ['All'] });
    expect(second!.Attributes).toMatchObject({ ApproximateReceiveCount: '2' });
    const [third] = await sqs.receive(url, asked);
    expect(third!.Attributes).toBeUndefined();
    expect(third!.ReceiptHandle).not.toBe(second!.ReceiptHandle);
  },

  async 'a delayed message comes after its delay and not before'(sqs) {
    const url = await sqs.queue();
    await sqs.send(url, 'later', { DelaySeconds: sqs.span });
    expect(await sqs.receive(url)).toEqual([]);
    expect(await sqs.counts(url)).toEqual([0, 0, 1]);
    await sqs.pass(sqs.span);
    expect(await sqs.bodies(url)).toEqual(['later']);
  },

  async 'a delay of the queue holds for messages that bring none'(sqs) {
    const url = await sqs.queue({ DelaySeconds: String(sqs.span), VisibilityTimeout: '43200' });
    await sqs.send(url, 'slow');
    await sqs.send(url, 'fast', { DelaySeconds: 0 });
    expect(await sqs.bodies(url)).toEqual(['fast']);
    await sqs.pass(sqs.span);
    expect(await sqs.bodies(url)).toEqual(['slow']);
  },

  async 'a received message is hidden for its visibility timeout'(sqs) {
    const url = await sqs.queue({ VisibilityTimeout: String(sqs.span) });
    await sqs.send(url, 'a');
    expect(await sqs.bodies(url)).toEqual(['a']);
    expect(await sqs.receive(url)).toEqual([]);
    expect(await sqs.counts(url)).toEqual([0, 1, 0]);
    await sqs.pass(sqs.span);
    expect(await sqs.bodies(url)).toEqual(['a']);
  },

  async 'a visibility can be extended, and ended'(sqs) {
    const url = await sqs.queue();
    await sqs.send(url, 'a');
    const [message] = await sqs.receive(url, { VisibilityTimeout: sqs.span });
    await sqs.hide(url, message!, 10 * sqs.span);
    await sqs.pass(sqs.span);
    expect(await sqs.receive(url)).toEqual([]);
    await sqs.hide(url, message!, 0);
    expect(await sqs.bodies(url)).toEqual(['a']);
  },

  async 'the visibility of a message that is not in flight cannot be changed'(sqs) {
    const url = await sqs.queue();
    await sqs.send(url, 'a');
    const [message] = await sqs.receive(url);
    expect(await refusal(sqs.hide(url, message!, 43_201))).toMatch(INVALID);
    await sqs.hide(url, message!, 0);
    expect(await refusal(sqs.hide(url, message!, 5))).toMatch(/MessageNotInflight|InvalidParameterValue/);
  },

  async 'a waiting receive gets a message that is sent meanwhile'(sqs) {
    const url = await sqs.queue();
    const waiting = sqs.bodies(url, { WaitTimeSeconds: 20 });
    await sqs.send(url, 'a');
    expect(await waiting).toEqual(['a']);
  },

  async 'of two waiting receives one gets the message and the other nothing'(sqs) {
    const url = await sqs.queue();
    const waiting = [0, 1].map(() => sqs.bodies(url, { WaitTimeSeconds: 2 }));
    await sqs.send(url, 'one');
    expect((await Promise.all(waiting)).flat()).toEqual(['one']);
  },

  async 'counts tell what is visible, in flight and delayed'(sqs) {
    const url = await sqs.queue();
    for (const body of ['1', '2']) await sqs.send(url, body);
    await sqs.send(url, '3', { DelaySeconds: 600 });
    await sqs.receive(url, { MaxNumberOfMessages: 1 });
    expect(await sqs.counts(url)).toEqual([1, 1, 1]);
  },

  async 'a batch of ten is sent, received, made visible and deleted'(sqs) {
    const QueueUrl = await sqs.queue();
    const sent = await sqs.client.send(new SendMessageBatchCommand({ QueueUrl, Entries: entries(10) }));
    expect(sent.Successful).toHaveLength(10);
    const handles = (messages: { ReceiptHandle?: string }[]) =>
      messages.map(({ ReceiptHandle }, i) => ({ Id: `e${i}`, ReceiptHandle }));
    const first = handles(await sqs.receive(QueueUrl));
    const Entries = first.map((entry) => ({ ...entry, VisibilityTimeout: 0 }));
    const shown = await sqs.client.send(new ChangeMessageVisibilityBatchCommand({ QueueUrl, Entries }));
    expect(shown.Successful).toHaveLength(10);
    const again = handles(await sqs.receive(QueueUrl));
    const deleted = await sqs.client.send(new DeleteMessageBatchCommand({ QueueUrl, Entries: again }));
    expect(deleted.Successful).toHaveLength(10);
    expect(await sqs.counts(QueueUrl)).toEqual([0, 0, 0]);
  },

  async 'a bad entry of a batch does not harm its neighbours'(sqs) {
    const QueueUrl = await sqs.queue();
    const bad = { Id: 'bad', MessageBody: 'x', DelaySeconds: 901 };
    const sent = await sqs.client.send(new SendMessageBatchCommand({ QueueUrl, Entries: [...entries(1), bad] }));
    expect(sent.Successful!.map(({ Id }) => Id)).toEqual(['e0']);
    expect(sent.Failed).toMatchObject([{ Id: 'bad', SenderFault: true }]);
    const [message] = await sqs.receive(QueueUrl);
    const Entries = [
      { Id: 'good', ReceiptHandle: message!.ReceiptHandle },
      { Id: 'bad', ReceiptHandle: 'garbage' },
    ];
    const deleted = await sqs.client.send(new DeleteMessageBatchCommand({ QueueUrl, Entries }));
    expect(deleted.Successful!.map(({ Id }) => Id)).toEqual(['good']);
    expect(deleted.Failed).toMatchObject([{ Id: 'bad', SenderFault: true }]);
  },

  async 'a malformed batch is refused as a whole'(sqs) {
    const QueueUrl = await sqs.queue();
    const send = (Entries: { Id: string; MessageBody: string }[]) =>
      refusal(sqs.client.send(new SendMessageBatchCommand({ QueueUrl, Entries })));
    expect(await send(entries(11))).toBe('TooManyEntriesInBatchRequest');
    expect(await send([...entries(1), ...entries(1)])).toBe('BatchEntryIdsNotDistinct');
    expect(await send([])).toBe('EmptyBatchRequest');
    expect(await send([{ Id: 'a b', MessageBody: 'x' }])).toBe('InvalidBatchEntryId');
    expect(await send(entries(5, 'x'.repeat(240_000)))).toBe('BatchRequestTooLong');
    expect(await sqs.counts(QueueUrl)).toEqual([0, 0, 0]);
  },

  async 'a message of 1 MiB is accepted and one byte more refused'(sqs) {
    const url = await sqs.queue();
    await sqs.send(url, 'x'.repeat(MIB));
    expect(await refusal(sqs.send(url, 'x'.repeat(MIB + 1)))).toMatch(INVALID);
  },

  async 'a smaller limit of the queue holds, attributes counted'(sqs) {
    const url = await sqs.queue({ MaximumMessageSize: '1024' });
    await sqs.send(url, 'x'.repeat(1024));
    expect(await refusal(sqs.send(url, 'x'.repeat(1025)))).toMatch(INVALID);
    const MessageAttributes = { a: { DataType: 'String', StringValue: 'y'.repeat(20) } };
    expect(await refusal(sqs.send(url, 'x'.repeat(1000), { MessageAttributes }))).toMatch(INVALID);
  },

  async 'numbers out of range are refused'(sqs) {
    const url = await sqs.queue();
    expect(await refusal(sqs.send(url, 'x', { DelaySeconds: 901 }))).toMatch(INVALID);
    expect(await refusal(sqs.send(url, 'x', { DelaySeconds: -1 }))).toMatch(INVALID);
    expect(await refusal(sqs.receive(url, { WaitTimeSeconds: 21 }))).toMatch(INVALID);
    expect(await refusal(sqs.receive(url, { MaxNumberOfMessages: 11 }))).toMatch(INVALID);
    expect(await refusal(sqs.receive(url, { MaxNumberOfMessages: 0 }))).toMatch(INVALID);
    expect(await refusal(sqs.receive(url, { VisibilityTimeout: 43_201 }))).toMatch(INVALID);
  },

  async 'a receipt handle that SQS did not give is refused'(sqs) {
    const url = await sqs.queue();
    expect(await refusal(sqs.delete(url, { ReceiptHandle: 'garbage' }))).toMatch(/ReceiptHandleIsInvalid/);
    const otherUrl = await sqs.queue();
    await sqs.send(url, 'a');
    const [message] = await sqs.receive(url);
    expect(await refusal(sqs.delete(otherUrl, message!))).toMatch(/ReceiptHandleIsInvalid/);
  },

  async 'message attributes of every type arrive with their MD5'(sqs) {
    const url = await sqs.queue();
    const MessageAttributes = {
      s: { DataType: 'String', StringValue: 'vé' },
      n: { DataType: 'Number', StringValue: '42' },
      b: { DataType: 'Binary', BinaryValue: new Uint8Array([1, 2, 255]) },
      c: { DataType: 'String.custom', StringValue: 'x' },
    };
    const sent = await sqs.send(url, 'x', { MessageAttributes });
    expect(sent.MD5OfMessageAttributes).toBe(md5(MessageAttributes));
    const [message] = await sqs.receive(url);
    expect(message!.MD5OfMessageAttributes).toBe(md5(MessageAttributes));
    expect(message!.MessageAttributes!.s!.StringValue).toBe('vé');
    expect([...message!.MessageAttributes!.b!.BinaryValue!]).toEqual([1, 2, 255]);
  },

  async 'message attributes are chosen by name and by prefix'(sqs) {
    const url = await sqs.queue();
    const text = { DataType: 'String', StringValue: '1' };
    await sqs.send(url, 'x', { MessageAttributes: { 'foo.a': text, 'foo.b': text, bar: text } });
    const names = async (MessageAttributeNames: string[]) => {
      const [message] = await sqs.receive(url, { MessageAttributeNames, VisibilityTimeout: 0 });
      return Object.keys(message!.MessageAttributes ?? {}).sort();
    };
    expect(await names(['foo.*'])).toEqual(['foo.a', 'foo.b']);
    expect(await names(['bar'])).toEqual(['bar']);
  },

  async 'message attributes that nobody asks for are not returned'(sqs) {
    const url = await sqs.queue();
    await sqs.send(url, 'x', { MessageAttributes: { a: { DataType: 'String', StringValue: '1' } } });
    const [message] = await sqs.receive(url, { MessageAttributeNames: [] });
    expect(message!.MessageAttributes).toBeUndefined();
  },

  async 'malformed message attributes are refused'(sqs) {
    const url = await sqs.queue();
    for (const [name, value] of [
      ['a', { DataType: 'Text', StringValue: 'x' }],
      ['a', { DataType: 'String', StringValue: '' }],
      ['a', { DataType: 'Number', StringValue: 'one' }],
      ['AWS.a', { DataType: 'String', StringValue: 'x' }],
      ['.a', { DataType: 'String', StringValue: 'x' }],
      ['a b', { DataType: 'String', StringValue: 'x' }],
    ] as const) {
      expect(await refusal(sqs.send(url, 'x', { MessageAttributes: { [name]: value } }))).toMatch(INVALID);
    }
    const many = Array.from({ length: 11 }, (_, i) => [`a${i}`, { DataType: 'String', StringValue: 'x' }]);
    expect(await refusal(sqs.send(url, 'x', { MessageAttributes: Object.fromEntries(many) }))).toMatch(INVALID);
  },

  async 'the trace header arrives'(sqs) {
    const url = await sqs.queue();
    const StringValue = 'Root=1-5759e988-bd862e3fe1be46a994272793';
    await sqs.send(url, 'x', { MessageSystemAttributes: { AWSTraceHeader: { DataType: 'String', StringValue } } });
    const [message] = await sqs.receive(url);
    expect(message!.Attributes!.AWSTraceHeader).toBe(StringValue);
  },

  async 'a message that was received too often goes to the dead letter queue as it is'(sqs) {
    const { url, deadUrl } = await sqs.withDeadLetters(2);
    const MessageAttributes = { k: { DataType: 'String', StringValue: 'v' } };
    const { MessageId } = await sqs.send(url, 'poison', { MessageAttributes });
    for (let i = 0; i < 2; i++) expect(await sqs.bodies(url, { VisibilityTimeout: 0 })).toEqual(['poison']);
    expect(await sqs.receive(url)).toEqual([]);
    const [dead] = await sqs.receive(deadUrl);
    expect(dead).toMatchObject({ MessageId, Body: 'poison' });
    expect(dead!.MessageAttributes!.k!.StringValue).toBe('v');
  },

  async 'a dead letter keeps its receive count and names its source'(sqs) {
    const { url, deadUrl } = await sqs.withDeadLetters(1);
    await sqs.send(url, 'poison');
    await sqs.receive(url, { VisibilityTimeout: 0 });
    await sqs.receive(url);
    const [dead] = await sqs.receive(deadUrl);
    expect(dead!.Attributes).toMatchObject({
      ApproximateReceiveCount: '2',
      DeadLetterQueueSourceArn: await sqs.arn(url),
    });
  },

  async 'a standard queue takes a group id, and no deduplication id'(sqs) {
    const url = await sqs.queue();
    await sqs.send(url, 'x', { MessageGroupId: 'tenant' });
    const [message] = await sqs.receive(url);
    expect(message!.Attributes!.MessageGroupId).toBe('tenant');
    expect(await refusal(sqs.send(url, 'x', { MessageDeduplicationId: 'd' }))).toMatch(INVALID);
  },

  async 'many consumers get each of many messages once'(sqs) {
    const QueueUrl = await sqs.queue();
    for (let i = 0; i < 20; i++) {
      await sqs.client.send(new SendMessageBatchCommand({ QueueUrl, Entries: entries(10, `${i}-`) }));
    }
    const seen: (string | undefined)[] = [];
    await Promise.all(
      Array.from({ length: 8 }, async () => {
        for (;;) {
          const messages = await sqs.receive(QueueUrl);
          if (messages.length === 0) return;
          for (const message of messages) {
            seen.push(message.Body);
            await sqs.delete(QueueUrl, message);
          }
        }
      }),
    );
    expect([seen.length, new Set(seen).size]).toEqual([200, 200]);
  },
};
