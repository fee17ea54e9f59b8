import { join } from 'node:path';
import { ServiceClock } from '../../../local/clock';
import { SqsServer } from '../../../local/sqs/sqs-server';
import { startChild } from './child-server';
import { sqsConformance, sqsTimeConformance } from './sqs-conformance';

async function startEmbedded() {
  const clock = new ServiceClock();
  const server = new SqsServer({ clock });
  const port = await server.listen();
  return {
    endpoint: `http://127.0.0.1:${port}`,
    advance: (ms: number) => clock.advanceTo(clock.now() + ms),
    async stop() {
      await server.close();
      clock.stop();
    },
  };
}

async function startFauxqs() {
  const child = await startChild([join(__dirname, 'fauxqs.mjs')]);
  return { endpoint: child.endpoint, stop: () => child.kill() };
}

sqsConformance('the embedded server', startEmbedded, []);
sqsTimeConformance('the embedded server', startEmbedded);
/** What fauxqs 1.9.2 does otherwise than SQS. */
const FAUXQS_GAPS = [
  'ListQueues pages',
  'attributes out of range or unknown are refused',
  'a redrive policy needs an existing target of the same kind and a count',
  'a RedriveAllowPolicy decides who may use the dead letter queue',
  'ListDeadLetterSourceQueues lists the sources',
  'a move task takes dead letters back to their source as new messages',
  'a move task takes messages to a destination, but only out of a dead letter queue',
  'a move task without destination fails on a message that never was in another queue',
  'a move task with a rate can be cancelled, and two at once are refused',
  'PurgeQueue empties a queue, once a minute',
  'a body may hold characters of every plane',
  'a bad entry of a batch does not harm its neighbours',
  'numbers out of range are refused',
  'a receipt handle that SQS did not give is refused',
  'message attributes that nobody asks for are not returned',
  'malformed message attributes are refused',
  'the trace header arrives',
  'a dead letter keeps its receive count and names its source',
  'a standard queue takes a group id, and no deduplication id',
  'one receive returns several messages of a group, in order',
  'deduplication can be within the group',
  'a message needs a group id and a deduplication id',
  'the name ends with .fifo if and only if the queue is FIFO',
  'the handle of an ended visibility is refused',
];

sqsConformance('fauxqs', startFauxqs, FAUXQS_GAPS);
