import { type Item, N, S, urlGroupKey } from '../store/keys';

/** One address of a URL group. */
export interface Endpoint {
  readonly url: string;
  readonly name?: string;
}

/** What a message published to its name is sent to: one message of its own for each endpoint. */
export interface UrlGroup {
  readonly name: string;
  readonly createdAt: number;
  readonly updatedAt: number;
  readonly endpoints: readonly Endpoint[];
  /** Headers of every publish that doesn't bring its own, under lower-case names. */
  readonly headers: Readonly<Record<string, string>>;
  /** Counts the changes, so that none is made over another. */
  readonly version: number;
}

export function encodeUrlGroup({ name, createdAt, updatedAt, version, ...rest }: UrlGroup): Item {
  return { ...urlGroupKey(name), d: S(JSON.stringify(rest)), ca: N(createdAt), ua: N(updatedAt), v: N(version) };
}

export function decodeUrlGroup(item: Item): UrlGroup {
  return {
    ...(JSON.parse(item.d!.S!) as Pick<UrlGroup, 'endpoints' | 'headers'>),
    name: item.sk!.S!,
    createdAt: Number(item.ca!.N),
    updatedAt: Number(item.ua!.N),
    version: Number(item.v!.N),
  };
}

/**
 * Adds endpoints. One that has the name of another takes its place, and so does one with the same URL where
 * either has no name.
 */
export function mergeEndpoints(endpoints: readonly Endpoint[], added: readonly Endpoint[]): Endpoint[] {
  const merged = [...endpoints];
  for (const endpoint of added) {
    const place = merged.findIndex((other) => isSame(other, endpoint));
    if (place < 0) merged.push(endpoint);
    else merged[place] = { ...merged[place], ...endpoint };
  }
  return merged;
}

function isSame(a: Endpoint, b: Endpoint): boolean {
  if (a.name !== undefined && b.name !== undefined) return a.name === b.name;
  return a.url === b.url;
}

/** What names an endpoint to be removed. */
export interface EndpointReference {
  readonly url?: string;
  readonly name?: string;
}

/** What is left when the endpoints are gone that the references name; what a reference says must all fit. */
export function withoutEndpoints(
  endpoints: readonly Endpoint[],
  removed: readonly EndpointReference[],
): readonly Endpoint[] {
  return endpoints.filter(
    (endpoint) =>
      !removed.some(
        ({ url, name }) =>
          (url === undefined || url === endpoint.url) && (name === undefined || name === endpoint.name),
      ),
  );
}
