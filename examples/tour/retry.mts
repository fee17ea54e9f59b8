import { Client } from '@upstash/qstash';

const client = new Client();
const { messages } = await client.dlq.listMessages();
for (const { dlqId, url, responseStatus, responseBody } of messages) {
  console.log(`${url} answered ${responseStatus}: ${responseBody}; retrying ${dlqId}`);
  await client.dlq.retry(dlqId);
}
