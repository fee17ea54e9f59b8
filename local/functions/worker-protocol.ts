/** Given to a worker when it starts. */
export interface WorkerSetup {
  /** The service clock's shared offset, one float64. */
  readonly clock: SharedArrayBuffer;
  /** Module to import. */
  readonly file: string;
  readonly exportName: string;
  readonly functionName: string;
  readonly functionArn: string;
  readonly memorySize: number;
}

/** One event for the worker. */
export interface Invocation {
  readonly requestId: string;
  /** JSON. */
  readonly event: string;
  /** Wall time in milliseconds at which the function times out. */
  readonly deadline: number;
}

interface Failure {
  readonly errorType: string;
  readonly errorMessage: string;
  readonly trace: string;
}

/** What a worker says: it is ready, its code cannot be loaded, what it wrote, or how an invocation ended. */
export type FromWorker =
  | { readonly kind: 'ready' }
  | ({ readonly kind: 'broken' } & Failure)
  | { readonly kind: 'output'; readonly text: string }
  | { readonly kind: 'result'; readonly payload: string }
  | ({ readonly kind: 'error' } & Failure);
