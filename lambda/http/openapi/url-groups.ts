import { operation, type Paths } from './operation';
import { inPath } from './parameters';
import { list, named, object, type Schema, text, time, url } from './schema';

const NAME = text('Letters, digits, `.`, `_` and `-`', { pattern: '^[A-Za-z0-9._-]{1,256}$' });

export const URL_GROUP_SCHEMAS = {
  Endpoint: object({ url: url('Destination') }, { name: NAME }),
  UrlGroup: object(
    { name: NAME, createdAt: time('Creation'), updatedAt: time('Last change'), endpoints: list(named('Endpoint')) },
    {
      headers: {
        type: 'object',
        description: 'Headers of every publish that does not bring its own',
        additionalProperties: { type: 'string' },
      },
    },
  ),
} satisfies Record<string, Schema>;

const tag = 'URL groups';
const name = inPath('name', 'Name of a URL group', 'my-group');

export const URL_GROUP_PATHS: Paths = {
  '/v2/topics': {
    get: operation('read', {
      id: 'listUrlGroups',
      tag,
      summary: 'List URL groups',
      answers: { 200: list(named('UrlGroup')) },
    }),
  },
  '/v2/topics/{name}': {
    get: operation('read', {
      id: 'getUrlGroup',
      tag,
      summary: 'Get a URL group',
      parameters: [name],
      answers: { 200: named('UrlGroup') },
      refusals: [400, 404],
    }),
    delete: operation('write', {
      id: 'deleteUrlGroup',
      tag,
      summary: 'Delete a URL group',
      description: 'Also if there is none. Messages on their way are delivered.',
      parameters: [name],
      answers: { 200: object({}) },
      refusals: [400],
    }),
    patch: operation('write', {
      id: 'setUrlGroupHeaders',
      tag,
      summary: 'Set the headers of a URL group',
      description: 'What a publish to the group does not say itself, in its headers or its query.',
      parameters: [name],
      body: object({
        headers: {
          type: 'object',
          additionalProperties: { anyOf: [{ type: 'string' }, list({ type: 'string' })] },
        },
      }),
      answers: { 200: named('UrlGroup') },
      refusals: [400, 404, 412],
    }),
  },
  '/v2/topics/{name}/endpoints': {
    post: operation('write', {
      id: 'addEndpoints',
      tag,
      summary: 'Add endpoints to a URL group',
      description: 'Creates the group if there is none. An endpoint takes the place of one with its name, or its URL.',
      parameters: [name],
      body: object({ endpoints: list(named('Endpoint')) }),
      answers: { 200: named('UrlGroup') },
      refusals: [400, 412],
    }),
    delete: operation('write', {
      id: 'removeEndpoints',
      tag,
      summary: 'Remove endpoints from a URL group',
      description: 'By URL, name or both. A group without endpoints is deleted.',
      parameters: [name],
      body: object({ endpoints: list(object({}, { url: { type: 'string' }, name: { type: 'string' } })) }),
      answers: { 200: named('UrlGroup') },
      refusals: [400, 404],
    }),
  },
};
