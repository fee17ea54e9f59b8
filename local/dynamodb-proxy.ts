import type { IncomingMessage } from 'node:http';
import { type Answer, type AwsCall, accessKeyIdOf, errorAnswer, type Interceptor } from './aws-call';
import { AwsJsonError, callAws } from './aws-json';
import { AwsServer } from './aws-server';
import { resourcesOf } from './dynamodb/resources';

/**
 * Stands before a DynamoDB that runs elsewhere, such as DynamoDB Local, so that permission checks and the
 * request log apply to it too. All functions use one access key towards it, since DynamoDB Local gives each
 * key tables of its own. Items do not expire by service time there: its clock is its own.
 */
export class DynamoDbProxy {
  private readonly server = new AwsServer((request, body) => this.answer(request, body));

  constructor(
    private readonly endpoint: string,
    private readonly intercept: Interceptor,
  ) {}

  /** The port it listens on, on 127.0.0.1. */
  listen(): Promise<number> {
    return this.server.listen();
  }

  close(): Promise<void> {
    return this.server.close();
  }

  /** Creates a table unless it exists. */
  async createTable(input: object): Promise<void> {
    try {
      await callAws(this.endpoint, 'DynamoDB_20120810.CreateTable', input);
    } catch (error) {
      if (!(error instanceof AwsJsonError) || error.name !== 'ResourceInUseException') throw error;
    }
  }

  private answer(request: IncomingMessage, body: Buffer): Promise<Answer> {
    const target = String(request.headers['x-amz-target'] ?? '');
    const input = JSON.parse(body.toString()) as Record<string, unknown>;
    const call: AwsCall = {
      service: 'dynamodb',
      operation: target.replace(/^.*\./, ''),
      accessKeyId: accessKeyIdOf(request.headers.authorization),
      resources: resourcesOf(input),
      input,
    };
    return this.intercept(call, () => this.forward(request, target, body));
  }

  private async forward(request: IncomingMessage, target: string, body: Buffer): Promise<Answer> {
    const authorization = String(request.headers.authorization).replace(/Credential=[^/,]+/, 'Credential=local');
    const headers = {
      'content-type': 'application/x-amz-json-1.0',
      'x-amz-target': target,
      'x-amz-date': String(request.headers['x-amz-date']),
      authorization,
    };
    try {
      const response = await fetch(this.endpoint, { method: 'POST', headers, body: new Uint8Array(body) });
      const kept: Record<string, string> = {};
      for (const name of ['content-type', 'x-amz-crc32', 'x-amzn-requestid']) {
        const value = response.headers.get(name);
        if (value !== null) kept[name] = value;
      }
      return { status: response.status, headers: kept, body: Buffer.from(await response.arrayBuffer()) };
    } catch (error) {
      return errorAnswer(503, 'ServiceUnavailable', `${this.endpoint} did not answer: ${String(error)}`);
    }
  }
}
