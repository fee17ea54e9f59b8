import { type Answer, errorAnswer } from '../aws-call';

/** Errors whose code in the older query protocol differs from their name, and those that are not 400. */
const QUERY_CODES: Readonly<Record<string, string>> = {
  BatchEntryIdsNotDistinct: 'AWS.SimpleQueueService.BatchEntryIdsNotDistinct',
  BatchRequestTooLong: 'AWS.SimpleQueueService.BatchRequestTooLong',
  EmptyBatchRequest: 'AWS.SimpleQueueService.EmptyBatchRequest',
  InvalidBatchEntryId: 'AWS.SimpleQueueService.InvalidBatchEntryId',
  InvalidParameterValueException: 'InvalidParameterValue',
  MessageNotInflight: 'AWS.SimpleQueueService.MessageNotInflight',
  MissingRequiredParameterException: 'MissingParameter',
  PurgeQueueInProgress: 'AWS.SimpleQueueService.PurgeQueueInProgress',
  QueueDeletedRecently: 'AWS.SimpleQueueService.QueueDeletedRecently',
  QueueDoesNotExist: 'AWS.SimpleQueueService.NonExistentQueue',
  QueueNameExists: 'QueueAlreadyExists',
  TooManyEntriesInBatchRequest: 'AWS.SimpleQueueService.TooManyEntriesInBatchRequest',
  UnsupportedOperation: 'AWS.SimpleQueueService.UnsupportedOperation',
};

const STATUSES: Readonly<Record<string, number>> = {
  InternalFailure: 500,
  InvalidSecurity: 403,
  OverLimit: 403,
  PurgeQueueInProgress: 403,
  ReceiptHandleIsInvalid: 404,
  RequestEntityTooLargeException: 413,
  ResourceNotFoundException: 404,
};

/** A refusal by SQS. Its name is the error's name in the SDK, such as `QueueDoesNotExist`. */
export class SqsError extends Error {
  constructor(
    override readonly name: string,
    message: string,
  ) {
    super(message);
  }

  /** Code in the query protocol, which batch results carry too, such as `InvalidParameterValue`. */
  get queryCode(): string {
    return QUERY_CODES[this.name] ?? this.name;
  }

  /** HTTP status of this error, 400 for most. */
  get status(): number {
    return STATUSES[this.name] ?? 400;
  }

  /** This error on the wire. */
  answer(): Answer {
    const answer = errorAnswer(this.status, this.name, this.message);
    if (answer === 'dropped') return answer;
    const fault = this.status < 500 ? 'Sender' : 'Receiver';
    return { ...answer, headers: { ...answer.headers, 'x-amzn-query-error': `${this.queryCode};${fault}` } };
  }
}

/** The refusal of a value that is out of range or malformed. */
export function invalidValue(name: string, value: unknown, reason: string): SqsError {
  return new SqsError(
    'InvalidParameterValueException',
    `Value ${String(value)} for parameter ${name} is invalid. Reason: ${reason}`,
  );
}

/** The refusal of a request for a queue that is not there. */
export function noSuchQueue(): SqsError {
  return new SqsError('QueueDoesNotExist', 'The specified queue does not exist.');
}
