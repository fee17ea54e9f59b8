/** A refusal the caller can act on. Becomes the status and `{"error": message}`. */
export class HttpError extends Error {
  constructor(
    readonly status: number,
    message: string,
    readonly headers: Readonly<Record<string, string>> = {},
  ) {
    super(message);
  }
}

export const badRequest = (message: string) => new HttpError(400, message);
export const notFound = (message: string) => new HttpError(404, message);
/** 412: well-formed, but beyond a limit of this service. */
export const overLimit = (message: string) => new HttpError(412, message);
