// An endpoint that is broken until somebody mends it, and hears of messages that failed.
import { createServer } from 'node:http';
import { Receiver } from '@upstash/qstash';

const receiver = new Receiver(); // QSTASH_CURRENT_SIGNING_KEY, QSTASH_NEXT_SIGNING_KEY
const port = Number(process.env.PORT ?? 3000);
let mended = false;

createServer(async (request, response) => {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  const body = Buffer.concat(chunks).toString();
  if (request.url === '/mend') {
    mended = true;
    console.log('mended');
    response.end();
    return;
  }
  const signature = String(request.headers['upstash-signature'] ?? '');
  const url = `http://localhost:${port}${request.url}`;
  await receiver.verify({ signature, body, url }).catch((error: Error) => {
    console.log(`signature refused: ${error.message}`);
    response.statusCode = 401;
  });
  if (request.url === '/failed') console.log(`failed for good, dlqId ${JSON.parse(body).dlqId}`);
  else {
    console.log(`${request.method} ${request.url} ${body} ${mended ? '-> 200' : '-> 500'}`);
    if (!mended) response.statusCode = 500;
  }
  response.end(mended ? 'thank you' : 'out of order');
}).listen(port, () => console.log(`listening at http://localhost:${port}`));
