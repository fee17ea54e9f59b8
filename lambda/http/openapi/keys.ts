import { operation, type Paths } from './operation';
import { inQuery } from './parameters';
import { named, object, type Schema, text } from './schema';

export const KEY_SCHEMAS = {
  SigningKeys: object({ current: text('Signs now'), next: text('Signs after a rotation') }),
} satisfies Record<string, Schema>;

const tag = 'Signing keys';

export const KEY_PATHS: Paths = {
  '/v2/keys': {
    get: operation('write', {
      id: 'getSigningKeys',
      tag,
      summary: 'Get the signing keys',
      answers: { 200: named('SigningKeys') },
    }),
  },
  '/v2/keys/rotate': {
    post: operation('write', {
      id: 'rotateSigningKeys',
      tag,
      summary: 'Rotate the signing keys',
      description: 'The next key becomes the current one. A second rotation within an hour needs force.',
      parameters: [
        inQuery('force', { type: 'boolean', default: false, description: 'Whether receivers may be locked out' }, true),
      ],
      answers: { 200: named('SigningKeys') },
      refusals: [400, 409],
    }),
  },
};
