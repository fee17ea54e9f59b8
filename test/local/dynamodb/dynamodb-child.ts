// Runs the DynamoDB server in a process of its own, to be killed, and prints its port.
import { ServiceClock } from '../../../local/clock';
import { DynamoDbServer } from '../../../local/dynamodb/dynamodb-server';

const server = new DynamoDbServer({ clock: new ServiceClock(), dir: process.argv[2] });
server.listen().then((port) => process.stdout.write(`${port}\n`));
