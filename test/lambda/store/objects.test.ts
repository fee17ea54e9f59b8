import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { getObject } from '../../../lambda/store/objects';

let server: Server;

beforeAll(async () => {
  server = createServer((_request, response) => {
    response.writeHead(200, { 'content-length': '100' });
    response.write('half');
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  Object.assign(process.env, {
    AWS_REGION: 'us-east-1',
    AWS_ACCESS_KEY_ID: 'test',
    AWS_SECRET_ACCESS_KEY: 'test',
    AWS_ENDPOINT_URL_S3: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    BODIES_BUCKET: 'bodies',
  });
});
afterAll(() => {
  server.close();
  server.closeAllConnections();
});

test('an object that stops coming is given up', async () => {
  await expect(getObject('d8/a', undefined)).rejects.toThrow('timed out');
});
