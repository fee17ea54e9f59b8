import { DLQ_PATHS, DLQ_SCHEMAS } from './dlq';
import { FLOW_CONTROL_PATHS, FLOW_CONTROL_SCHEMAS } from './flow-control';
import { KEY_PATHS, KEY_SCHEMAS } from './keys';
import { LOG_PATHS, LOG_SCHEMAS } from './logs';
import { MESSAGE_PATHS, MESSAGE_SCHEMAS } from './messages';
import { ERROR_RESPONSES, ERROR_SCHEMAS, type Paths } from './operation';
import { HEADERS } from './parameters';
import { QUEUE_PATHS, QUEUE_SCHEMAS } from './queues';
import { SCHEDULE_HEADERS, SCHEDULE_PATHS, SCHEDULE_SCHEMAS } from './schedules';
import { SERVICE_PATHS } from './service';
import { URL_GROUP_PATHS, URL_GROUP_SCHEMAS } from './url-groups';

const PATHS: Paths = {
  ...MESSAGE_PATHS,
  ...QUEUE_PATHS,
  ...FLOW_CONTROL_PATHS,
  ...URL_GROUP_PATHS,
  ...SCHEDULE_PATHS,
  ...DLQ_PATHS,
  ...LOG_PATHS,
  ...KEY_PATHS,
  ...SERVICE_PATHS,
};

const SCHEMAS = {
  ...MESSAGE_SCHEMAS,
  ...QUEUE_SCHEMAS,
  ...FLOW_CONTROL_SCHEMAS,
  ...URL_GROUP_SCHEMAS,
  ...SCHEDULE_SCHEMAS,
  ...DLQ_SCHEMAS,
  ...LOG_SCHEMAS,
  ...KEY_SCHEMAS,
  ...ERROR_SCHEMAS,
};

/** The description of the service in OpenAPI 3.1, which is reached at `serverUrl`. */
export function openApiDocument(serverUrl: string) {
  return {
    openapi: '3.1.0',
    info: {
      title: 'cdk-qstash',
      version: '2',
      description: 'Message delivery over HTTP, compatible with QStash.',
      license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
    },
    servers: [{ url: serverUrl }],
    security: [{ bearer: [] }, { query: [] }],
    paths: PATHS,
    components: {
      schemas: SCHEMAS,
      parameters: { ...HEADERS, ...SCHEDULE_HEADERS },
      responses: ERROR_RESPONSES,
      securitySchemes: {
        bearer: { type: 'http', scheme: 'bearer' },
        query: { type: 'apiKey', in: 'query', name: 'qstash_token' },
      },
    },
  };
}
