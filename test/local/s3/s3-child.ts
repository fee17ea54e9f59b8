// Runs the S3 server in a process of its own, to be killed, and prints its port.
import { ServiceClock } from '../../../local/clock';
import { S3Server } from '../../../local/s3/s3-server';

const server = new S3Server({ clock: new ServiceClock(), dir: process.argv[2] });
server.ensureBucket('bodies');
server.listen().then((port) => process.stdout.write(`${port}\n`));
