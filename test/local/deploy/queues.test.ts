import type { TemplateResource } from '../../../local/assembly/template';
import { AssemblyError } from '../../../local/assembly/template';
import { ServiceClock } from '../../../local/clock';
import { createQueues } from '../../../local/deploy/queues';
import { SqsServer } from '../../../local/sqs/sqs-server';
import { temporaryDirectory } from '../fixtures/directory';
import { resource, stackOf } from '../fixtures/template';

const clock = new ServiceClock();

afterAll(() => clock.stop());

/** The queues of a template, by name with their attributes. */
function create(resources: Record<string, TemplateResource>, sqs = new SqsServer({ clock })) {
  createQueues(stackOf(resources), sqs);
  return Object.fromEntries(sqs.depths().map(({ name }) => [name, sqs.attributes(name)]));
}

const queue = (properties = {}) => resource('AWS::SQS::Queue', properties);
const redriveTo = (id: string, maxReceiveCount: unknown = 3) => ({
  RedrivePolicy: { deadLetterTargetArn: { 'Fn::GetAtt': [id, 'Arn'] }, maxReceiveCount },
});

test('queues get the attributes of the template, and the usual ones', () => {
  const queues = create({
    Plain: queue(),
    Slow: queue({
      DelaySeconds: 5,
      VisibilityTimeout: '7',
      MessageRetentionPeriod: 600,
      ReceiveMessageWaitTimeSeconds: 20,
    }),
    Fifo: queue({ FifoQueue: true, ContentBasedDeduplication: true, DeduplicationScope: 'messageGroup' }),
    Standard: queue({ FifoQueue: false, QueueName: 'standard' }),
  });
  expect(Object.keys(queues)).toEqual(['Shop-Fifo.fifo', 'Shop-Plain', 'Shop-Slow', 'standard']);
  expect(queues['Shop-Plain']).toMatchObject({ DelaySeconds: '0', VisibilityTimeout: '30' });
  expect(queues['Shop-Slow']).toMatchObject({
    DelaySeconds: '5',
    VisibilityTimeout: '7',
    MessageRetentionPeriod: '600',
    ReceiveMessageWaitTimeSeconds: '20',
  });
  expect(queues['Shop-Fifo.fifo']).toMatchObject({
    ContentBasedDeduplication: 'true',
    DeduplicationScope: 'messageGroup',
  });
});

test('the target of a redrive is created first, wherever it stands, over several steps', () => {
  const queues = create({ First: queue(redriveTo('Second')), Second: queue(redriveTo('Third', '5')), Third: queue() });
  expect(JSON.parse(queues['Shop-First']!.RedrivePolicy!)).toEqual({
    deadLetterTargetArn: queues['Shop-Second']!.QueueArn,
    maxReceiveCount: 3,
  });
  expect(queues['Shop-Second']!.RedrivePolicy).toContain('Shop-Third');
  expect(queues['Shop-Third']!.RedrivePolicy).toBeUndefined();
});

test('a target says who may redrive to it', () => {
  const closed = { RedriveAllowPolicy: { redrivePermission: 'denyAll' } };
  expect(() => create({ Source: queue(redriveTo('Target')), Target: queue(closed) })).toThrow(AssemblyError);
  expect(() => create({ Source: queue(redriveTo('Target')), Target: queue(closed) })).toThrow(
    'Source (AWS::SQS::Queue, Source) is refused: ',
  );
});

test.each([
  ['a value out of range', queue({ DelaySeconds: 901 }), 'DelaySeconds'],
  ['a name that SQS does not take', queue({ QueueName: 'a b' }), 'QueueName'],
  ['a redrive to itself', queue(redriveTo('Queue')), 'RedrivePolicy'],
  [
    'a redrive to nobody',
    queue({ RedrivePolicy: { deadLetterTargetArn: 'arn:gone', maxReceiveCount: 1 } }),
    'RedrivePolicy',
  ],
])('%s is refused as by SQS, with the name of the queue', (_what, resources, named) => {
  const message = () => create({ Queue: resources });
  expect(message).toThrow(/^Queue \(AWS::SQS::Queue, Queue\) is refused: /);
  expect(message).toThrow(named);
});

test('a queue that a data directory kept gets what the template says now', async () => {
  const dir = temporaryDirectory();
  const before = new SqsServer({ clock, dir });
  create({ Queue: queue({ VisibilityTimeout: 600, DelaySeconds: 5, ...redriveTo('Dead') }), Dead: queue() }, before);
  await before.close();
  const after = new SqsServer({ clock, dir });
  const queues = create({ Queue: queue({ DelaySeconds: 6 }), Dead: queue() }, after);
  expect(queues['Shop-Queue']).toMatchObject({ VisibilityTimeout: '30', DelaySeconds: '6' });
  expect(queues['Shop-Queue']!.RedrivePolicy).toBeUndefined();
  await after.close();
});
