import { Client } from '@upstash/qstash';

const client = new Client();
const url = `http://localhost:${process.env.PORT ?? 3000}`;

// One message for each endpoint of a group.
await client.urlGroups.addEndpoints({ name: 'shop', endpoints: [{ url: `${url}/mail` }, { url: `${url}/stock` }] });
await client.publishJSON({ urlGroup: 'shop', body: { order: 9 } });

// One after the other, in their order, each with all its retries before the next.
const invoices = client.queue({ queueName: 'invoices' });
await invoices.enqueueJSON({ url: `${url}/invoices`, body: { invoice: 1 } });
await invoices.enqueueJSON({ url: `${url}/invoices`, body: { invoice: 2 } });

// At nine in New York, summer and winter.
await client.schedules.create({
  scheduleId: 'report',
  destination: `${url}/report`,
  cron: 'CRON_TZ=America/New_York 0 9 * * *',
});

// A hundred calls in one request, of which three run at once and twenty begin in a second.
const flowControl = { key: 'warehouse', parallelism: 3, rate: 20, period: '1s' } as const;
await client.batchJSON(
  Array.from({ length: 100 }, (_, item) => ({ url: `${url}/items`, body: { item }, flowControl })),
);

console.log('published');
