import type { ApiRequest } from './api-request';
import type { ApiResponse } from './api-response';
import { HttpError, notFound } from './http-error';
import { printable } from './printable';

/** What a request must show: nothing, any token, or the token that may write. */
export type Access = 'anyone' | 'read' | 'write';

/** Path parameters by name; `rest` is what a pattern's final `*` stands for. */
export type Parameters = Readonly<Record<string, string>>;

export interface Route {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  /** Segments are literal, `:name` for any one, or `*` at the end for the rest as it is. */
  readonly path: string;
  readonly access: Access;
  readonly answer: (request: ApiRequest, parameters: Parameters) => Promise<ApiResponse>;
}

/** Finds routes by method and path; the first that fits counts. */
export class Router {
  private readonly routes: readonly { readonly route: Route; readonly pattern: RegExp }[];

  constructor(routes: readonly Route[]) {
    this.routes = routes.map((route) => ({ route, pattern: patternOf(route.path) }));
  }

  /** Throws a 404 for a path that nothing has, and a 405 that tells the methods of one that others have. */
  find({ method, path }: Pick<ApiRequest, 'method' | 'path'>): { route: Route; parameters: Parameters } {
    const fitting = this.routes.flatMap(({ route, pattern }) => {
      const match = pattern.exec(path);
      return match === null ? [] : [{ route, parameters: { ...match.groups } as Record<string, string> }];
    });
    const found = fitting.find(({ route }) => route.method === method);
    if (found !== undefined) return { route: found.route, parameters: decoded(found.parameters) };
    if (fitting.length === 0) throw notFound(`there is no ${printable(path)}`);
    const allow = [...new Set(fitting.map(({ route }) => route.method))].join(', ');
    throw new HttpError(405, `${printable(method)} is not one of the methods of this path: ${allow}`, { allow });
  }
}

/** A collection's path may end in a slash. */
function patternOf(path: string): RegExp {
  const source = path
    .replace(/[.]/g, '\\$&')
    .replace(/:(\w+)/g, '(?<$1>[^/]+)')
    .replace(/\/\*$/, '/(?<rest>.*)');
  return new RegExp(`^${source}${path.endsWith('*') ? '' : '/?'}$`, 's');
}

/** Function URLs leave paths encoded; the rest of a path is its reader's to decode. */
function decoded(parameters: Parameters): Parameters {
  return Object.fromEntries(
    Object.entries(parameters).map(([name, value]) => {
      if (name === 'rest') return [name, value];
      try {
        return [name, decodeURIComponent(value)];
      } catch {
        return [name, value];
      }
    }),
  );
}
