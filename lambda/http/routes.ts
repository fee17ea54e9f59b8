import { PUBLISH_ROUTES } from './publish-routes';
import { type Route, Router } from './router';

const READINESS: Route = {
  method: 'GET',
  path: '/v2/readiness',
  access: 'anyone',
  answer: async () => ({ status: 200, body: { status: 'ready' } }),
};

/** Every route of the service, in the order of a message's life. */
export const ROUTES: readonly Route[] = [...PUBLISH_ROUTES, READINESS];

export const router = new Router(ROUTES);
