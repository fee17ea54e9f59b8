import { DLQ_ROUTES } from './dlq-routes';
import { FLOW_CONTROL_ROUTES } from './flow-control-routes';
import { GROUP_ROUTES } from './group-routes';
import { KEY_ROUTES } from './key-routes';
import { LOG_ROUTES } from './log-routes';
import { MESSAGE_ROUTES } from './message-routes';
import { OPENAPI_ROUTES } from './openapi-routes';
import { PUBLISH_ROUTES } from './publish-routes';
import { QUEUE_ROUTES } from './queue-routes';
import { type Route, Router } from './router';
import { SCHEDULE_ROUTES } from './schedule-routes';

const READINESS: Route = {
  method: 'GET',
  path: '/v2/readiness',
  access: 'anyone',
  answer: async () => ({ status: 200, body: { status: 'ready' } }),
};

/** Every route of the service, in the order of a message's life. */
export const ROUTES: readonly Route[] = [
  ...PUBLISH_ROUTES,
  ...QUEUE_ROUTES,
  ...FLOW_CONTROL_ROUTES,
  ...GROUP_ROUTES,
  ...SCHEDULE_ROUTES,
  ...MESSAGE_ROUTES,
  ...DLQ_ROUTES,
  ...LOG_ROUTES,
  ...KEY_ROUTES,
  ...OPENAPI_ROUTES,
  READINESS,
];

export const router = new Router(ROUTES);
