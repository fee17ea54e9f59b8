// Runs the SQS server in a process of its own, to be killed, and prints its port.
import { ServiceClock } from '../../../local/clock';
import { SqsServer } from '../../../local/sqs/sqs-server';

const server = new SqsServer({ clock: new ServiceClock(), dir: process.argv[2] });
server.listen().then((port) => process.stdout.write(`${port}\n`));
