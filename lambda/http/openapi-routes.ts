import type { ApiRequest } from './api-request';
import { ok } from './api-response';
import { openApiDocument } from './openapi/document';
import type { Route } from './router';

/** Where the service is reached, as the request reached it. */
function serverUrl({ headers, host, prefix }: ApiRequest): string {
  const scheme = headers['x-forwarded-proto'] === 'http' ? 'http' : 'https';
  return `${scheme}://${host}${prefix}`;
}

export const OPENAPI_ROUTES: readonly Route[] = [
  {
    method: 'GET',
    path: '/v2/openapi.json',
    access: 'anyone',
    answer: async (request) => ok(openApiDocument(serverUrl(request))),
  },
];
