import { Client } from '@upstash/qstash';

const client = new Client(); // QSTASH_URL, QSTASH_TOKEN
const { messageId } = await client.publishJSON({
  url: 'http://localhost:3000/orders',
  body: { order: 7 },
  retries: 1,
  retryDelay: '500', // milliseconds
  failureCallback: 'http://localhost:3000/failed',
});
console.log(`published ${messageId}`);
