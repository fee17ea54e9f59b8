import { requireNumber } from '../config';
import { AddressPolicy } from '../deliver/address-policy';
import { changeUrlGroup } from '../url-group/change-url-group';
import { deleteUrlGroup } from '../url-group/delete-url-group';
import { getUrlGroup, listUrlGroups } from '../url-group/find-url-groups';
import {
  type Endpoint,
  type EndpointReference,
  mergeEndpoints,
  type UrlGroup,
  withoutEndpoints,
} from '../url-group/url-group';
import type { ApiRequest } from './api-request';
import { type ApiResponse, ok } from './api-response';
import { isName, validateUrl } from './destination';
import { badRequest, notFound, overLimit } from './http-error';
import { isObject, readObject } from './json-body';
import { printable } from './printable';
import { parsePublishOptions } from './publish-options';
import { publishInput } from './read-publish';
import { refuseOwn } from './refuse-own';
import type { Route } from './router';

/** QStash's limit (pricing page); the group is one item, of which DynamoDB takes 400 KB. */
const MAX_ENDPOINTS = 100;

const policy = AddressPolicy.fromEnv(process.env);

const missing = (name: string) => notFound(`url group not found: ${printable(name)}`);

function groupJson({ name, createdAt, updatedAt, endpoints, headers }: UrlGroup): object {
  return { name, createdAt, updatedAt, endpoints, ...(Object.keys(headers).length === 0 ? {} : { headers }) };
}

function readName(name: string): string {
  if (isName(name)) return name;
  throw badRequest(
    `invalid url group name: "${printable(name)}" may hold letters, digits, ".", "_" and "-", 256 at most`,
  );
}

async function addEndpoints(request: ApiRequest, text: string): Promise<ApiResponse> {
  const name = readName(text);
  const added = await readEndpoints(request);
  const group = await changeUrlGroup(name, request.now, async (before) => {
    if (before === undefined) await refuseTooManyGroups();
    const endpoints = mergeEndpoints(before?.endpoints ?? [], added);
    if (endpoints.length > MAX_ENDPOINTS) {
      throw overLimit(`too many endpoints: ${endpoints.length}, a url group has ${MAX_ENDPOINTS} at most`);
    }
    return { endpoints, headers: before?.headers ?? {} };
  });
  return ok(groupJson(group));
}

async function refuseTooManyGroups(): Promise<void> {
  const maximum = requireNumber('MAX_URL_GROUPS');
  if ((await listUrlGroups()).length < maximum) return;
  throw overLimit(`too many url groups: this service has ${maximum} at most`);
}

async function readEndpoints(request: ApiRequest): Promise<Endpoint[]> {
  const endpoints = readReferences(request).map(({ url, name }, index): Endpoint => {
    if (url === undefined) throw badRequest(`invalid endpoints[${index}].url: it is missing`);
    return { url: validateUrl(url, `endpoints[${index}].url`, policy), ...(name === undefined ? {} : { name }) };
  });
  for (const { url } of endpoints) await refuseOwn({ url }, request);
  return endpoints;
}

function readReferences({ body }: ApiRequest): EndpointReference[] {
  const { endpoints } = readObject(body);
  if (!Array.isArray(endpoints) || endpoints.length === 0) {
    throw badRequest('invalid endpoints: it is not a list with one endpoint at least');
  }
  return endpoints.map((endpoint: unknown, index) => {
    const field = `endpoints[${index}]`;
    if (!isObject(endpoint)) throw badRequest(`invalid ${field}: it is not a JSON object`);
    const url = readText(endpoint.url, `${field}.url`);
    const name = readText(endpoint.name, `${field}.name`);
    if (url === undefined && name === undefined) throw badRequest(`invalid ${field}: it has neither url nor name`);
    if (name !== undefined && !isName(name)) {
      throw badRequest(`invalid ${field}.name: "${printable(name)}" may hold letters, digits, ".", "_" and "-"`);
    }
    return { ...(url === undefined ? {} : { url }), ...(name === undefined ? {} : { name }) };
  });
}

/** The clients may send an empty name for none. */
function readText(value: unknown, field: string): string | undefined {
  if (value === undefined || value === null || value === '') return undefined;
  if (typeof value === 'string') return value;
  throw badRequest(`invalid ${field}: it is not text`);
}

async function removeEndpoints(request: ApiRequest, text: string): Promise<ApiResponse> {
  const name = readName(text);
  const removed = readReferences(request);
  const group = await changeUrlGroup(name, request.now, (before) => {
    if (before === undefined) throw missing(name);
    const endpoints = withoutEndpoints(before.endpoints, removed);
    return { endpoints, headers: endpoints.length === 0 ? {} : before.headers };
  });
  return ok(groupJson(group));
}

/** The settings that every publish to the group has which doesn't bring its own. */
async function setHeaders(request: ApiRequest, text: string): Promise<ApiResponse> {
  const name = readName(text);
  const { headers } = readObject(request.body);
  if (!isObject(headers)) throw badRequest('invalid headers: they are not a JSON object');
  const defaults = Object.fromEntries(Object.entries(headers).map(([header, value]) => readHeader(header, value)));
  const input = { ...publishInput(request), headers: {}, query: new URLSearchParams(), defaults };
  await refuseOwn(parsePublishOptions(input), request);
  const group = await changeUrlGroup(name, request.now, (before) => {
    if (before === undefined) throw missing(name);
    return { endpoints: before.endpoints, headers: defaults };
  });
  return ok(groupJson(group));
}

function readHeader(name: string, value: unknown): [string, string] {
  const lower = name.toLowerCase();
  if (!lower.startsWith('upstash-') && lower !== 'content-type') {
    throw badRequest(`invalid header ${printable(name)}: only Upstash-* and Content-Type can be a default`);
  }
  const values = Array.isArray(value) ? value : [value];
  if (values.length === 0 || values.some((entry) => typeof entry !== 'string')) {
    throw badRequest(`invalid header ${printable(name)}: its value is neither text nor a list of texts`);
  }
  return [lower, values.join(', ')];
}

async function getGroup(name: string): Promise<ApiResponse> {
  const group = await getUrlGroup(readName(name));
  if (group === undefined) throw missing(name);
  return ok(groupJson(group));
}

export const GROUP_ROUTES: readonly Route[] = [
  {
    method: 'GET',
    path: '/v2/topics',
    access: 'read',
    answer: async () => ok((await listUrlGroups()).map(groupJson)),
  },
  { method: 'GET', path: '/v2/topics/:name', access: 'read', answer: (_request, { name = '' }) => getGroup(name) },
  {
    method: 'DELETE',
    path: '/v2/topics/:name',
    access: 'write',
    answer: async (_request, { name = '' }) => {
      await deleteUrlGroup(readName(name));
      return ok({});
    },
  },
  {
    method: 'PATCH',
    path: '/v2/topics/:name',
    access: 'write',
    answer: (request, { name = '' }) => setHeaders(request, name),
  },
  {
    method: 'POST',
    path: '/v2/topics/:name/endpoints',
    access: 'write',
    answer: (request, { name = '' }) => addEndpoints(request, name),
  },
  {
    method: 'DELETE',
    path: '/v2/topics/:name/endpoints',
    access: 'write',
    answer: (request, { name = '' }) => removeEndpoints(request, name),
  },
];
