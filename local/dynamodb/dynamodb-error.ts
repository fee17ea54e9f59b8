import { type Answer, errorAnswer } from '../aws-call';

/** A refusal by DynamoDB. Its name is the error's name in the SDK, such as `ValidationException`. */
export class DynamoDbError extends Error {
  constructor(
    override readonly name: string,
    message: string,
    /** Further members of the answer's body. */
    readonly details: object = {},
  ) {
    super(message);
  }

  /** This error on the wire. */
  answer(): Answer {
    return errorAnswer(this.name === 'InternalServerError' ? 500 : 400, this.name, this.message, this.details);
  }
}

/** The refusal of a request that is malformed or asks for what cannot be. */
export function invalid(message: string): DynamoDbError {
  return new DynamoDbError('ValidationException', message);
}

/** The refusal of a value that does not suit the table or the request. */
export function invalidValue(message: string): DynamoDbError {
  return invalid(`One or more parameter values were invalid: ${message}`);
}
