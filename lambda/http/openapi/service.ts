import { operation, type Paths } from './operation';
import { object } from './schema';

/** What is below them is OpenAPI's matter. */
const KEYS = ['openapi', 'info', 'servers', 'security', 'paths', 'components'];
const tag = 'Service';

export const SERVICE_PATHS: Paths = {
  '/v2/readiness': {
    get: operation('anyone', {
      id: 'readiness',
      tag,
      summary: 'Say whether the service answers',
      answers: { 200: object({ status: { const: 'ready' } }) },
    }),
  },
  '/v2/openapi.json': {
    get: operation('anyone', {
      id: 'openApi',
      tag,
      summary: 'This description',
      answers: { 200: object(Object.fromEntries(KEYS.map((key) => [key, {}]))) },
    }),
  },
};
