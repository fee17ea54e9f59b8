import { AssemblyError, type Dictionary } from '../../../local/assembly/template';
import { concurrencyOf, readMappings } from '../../../local/deploy/event-sources';
import { Roles } from '../../../local/iam/roles';
import { resource, roleFor, stackOf } from '../fixtures/template';

const POLLING = ['sqs:ReceiveMessage', 'sqs:DeleteMessage', 'sqs:GetQueueAttributes'];

interface Changes {
  readonly mapping?: Dictionary;
  readonly queue?: Dictionary;
  readonly lambda?: Dictionary;
  readonly actions?: readonly string[];
}

function read({ mapping = {}, queue = {}, lambda = {}, actions = POLLING }: Changes = {}) {
  const stack = stackOf({
    Mapping: resource('AWS::Lambda::EventSourceMapping', {
      EventSourceArn: { 'Fn::GetAtt': ['Queue', 'Arn'] },
      FunctionName: { Ref: 'Lambda' },
      ...mapping,
    }),
    Queue: resource('AWS::SQS::Queue', queue),
    Lambda: resource('AWS::Lambda::Function', { Role: { 'Fn::GetAtt': ['Role', 'Arn'] }, ...lambda }),
    Role: roleFor(...actions),
  });
  return readMappings(stack, new Roles(stack));
}

test('a mapping is read with what Lambda does where the template is silent', () => {
  expect(read()).toEqual([
    {
      functionId: 'Lambda',
      options: {
        queueName: 'Shop-Queue',
        queueArn: 'arn:aws:sqs:us-east-1:000000000000:Shop-Queue',
        batchSize: 10,
        windowMs: 0,
        maxConcurrency: Number.POSITIVE_INFINITY,
        partialFailures: false,
      },
    },
  ]);
});

test('batch size, window, concurrency and partial failures are the ones of the template', () => {
  const [mapping] = read({
    mapping: {
      BatchSize: 100,
      MaximumBatchingWindowInSeconds: '5',
      ScalingConfig: { MaximumConcurrency: 2 },
      FunctionResponseTypes: ['ReportBatchItemFailures'],
      FunctionName: { 'Fn::GetAtt': ['Lambda', 'Arn'] },
    },
  });
  expect(mapping!.options).toMatchObject({ batchSize: 100, windowMs: 5000, maxConcurrency: 2, partialFailures: true });
});

test('a mapping that is switched off is left out', () => {
  expect(read({ mapping: { Enabled: false } })).toEqual([]);
  expect(read({ mapping: { Enabled: true } })).toHaveLength(1);
});

test.each<[string, Changes, string]>([
  [
    'a source elsewhere',
    { mapping: { EventSourceArn: 'arn:aws:sqs:us-east-1:1:other' } },
    'Mapping (AWS::Lambda::EventSourceMapping, Mapping) has the source arn:aws:sqs:us-east-1:1:other, which is no queue of the template.',
  ],
  ['a function elsewhere', { mapping: { FunctionName: 'other' } }, 'feeds a function that the template lacks.'],
  [
    'a role that may not poll',
    { actions: ['sqs:ReceiveMessage'] },
    'needs a role that allows sqs:DeleteMessage, sqs:GetQueueAttributes on arn:aws:sqs:us-east-1:000000000000:Shop-Queue.',
  ],
  [
    'a visibility shorter than the timeout',
    { queue: { VisibilityTimeout: 29 }, lambda: { Timeout: 30 } },
    'is refused by Lambda: the visibility timeout of Queue (29 s) is shorter than the timeout of Lambda (30 s).',
  ],
  ['the usual visibility and a longer timeout', { lambda: { Timeout: 31 } }, 'of Queue (30 s) is shorter than'],
  ['a visibility below the usual timeout', { queue: { VisibilityTimeout: 2 } }, 'the timeout of Lambda (3 s).'],
  [
    'a loop',
    { actions: [...POLLING, 'sqs:SendMessage'] },
    'Lambda (AWS::Lambda::Function, Lambda) may send to its own source Queue without RecursiveLoop Allow: Lambda ends such a chain.',
  ],
  ['a loop that is to be ended', { actions: ['sqs:*'], lambda: { RecursiveLoop: 'Terminate' } }, 'RecursiveLoop Allow'],
  [
    'large batches without a window',
    { mapping: { BatchSize: 11 } },
    'has a BatchSize above 10, for which Lambda asks a batching window of at least 1 s.',
  ],
])('a mapping with %s stops', (_what, changes, message) => {
  expect(() => read(changes)).toThrow(AssemblyError);
  expect(() => read(changes)).toThrow(message);
});

test('what is just allowed is read', () => {
  expect(read({ queue: { VisibilityTimeout: 30 }, lambda: { Timeout: 30 } })).toHaveLength(1);
  expect(read({ actions: ['sqs:*'], lambda: { RecursiveLoop: 'Allow' } })).toHaveLength(1);
  expect(read({ mapping: { BatchSize: 11, MaximumBatchingWindowInSeconds: 1 } })).toHaveLength(1);
});

test('the concurrency of a function is what its sources ask for together', () => {
  const [mapping] = read({ mapping: { ScalingConfig: { MaximumConcurrency: 2 } } });
  const [limitless] = read();
  expect(concurrencyOf([mapping!, mapping!], 'Lambda')).toBe(4);
  expect(concurrencyOf([mapping!, limitless!], 'Lambda')).toBeUndefined();
  expect(concurrencyOf([mapping!], 'Other')).toBeUndefined();
});
