import { randomUUID } from 'node:crypto';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Stack, StackResource } from '../assembly/stack';
import { isDictionary } from '../assembly/template';
import type { LambdaFunction } from '../functions/lambda-function';

interface Answer {
  readonly Status?: string;
  readonly Reason?: string;
  readonly PhysicalResourceId?: string;
  readonly Data?: unknown;
}

/**
 * Creates the custom resources of the template, as CloudFormation does: invokes the function of each with a
 * Create event and waits for its answer at the response URL. FAILED, no answer, or a function that fails stop
 * the start with the reason.
 */
export async function createCustomResources(
  stack: Stack,
  functionOf: (logicalId: string) => LambdaFunction | undefined,
): Promise<void> {
  const resources = stack.customResources();
  if (resources.length === 0) return;
  const answers = new Map<string, Answer>();
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    answers.set(request.url ?? '', readAnswer(Buffer.concat(chunks).toString()));
    response.end();
  });
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  try {
    const base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    for (const resource of resources) {
      const token = resource.requiredText('ServiceToken');
      const provider = stack.find(token, 'AWS::Lambda::Function');
      const target = provider && functionOf(provider.logicalId);
      if (target === undefined) return resource.stop(`is made by ${token}, which is no function of the template`);
      await create(stack, resource, target, base, answers);
    }
  } finally {
    server.close();
    server.closeAllConnections();
  }
}

function readAnswer(text: string): Answer {
  try {
    const answer: unknown = JSON.parse(text);
    if (isDictionary(answer)) return answer;
  } catch {
    // Answered below like anything else that is no object.
  }
  return { Reason: 'the answer is no JSON object' };
}

async function create(
  stack: Stack,
  resource: StackResource,
  target: LambdaFunction,
  base: string,
  answers: ReadonlyMap<string, Answer>,
): Promise<void> {
  const path = `/${randomUUID()}`;
  const { ServiceToken, ServiceTimeout: _, ...properties } = resource.properties;
  const result = await target.invoke({
    RequestType: 'Create',
    ServiceToken,
    ResponseURL: `${base}${path}`,
    StackId: stack.arnOfStack,
    RequestId: randomUUID(),
    LogicalResourceId: resource.logicalId,
    ResourceType: resource.type,
    ResourceProperties: { ServiceToken, ...properties },
  });
  const answer = answers.get(path);
  if (answer === undefined) {
    const why = result.ok ? 'ended without an answer' : `failed: ${result.errorType}: ${result.errorMessage}`;
    return resource.stop(`could not be created: its function ${target.logicalId} ${why}`);
  }
  if (answer.Status !== 'SUCCESS') resource.stop(`could not be created: ${answer.Reason ?? 'no reason given'}`);
  stack.setCustomValues(resource.logicalId, {
    ref: answer.PhysicalResourceId ?? resource.logicalId,
    attributes: isDictionary(answer.Data) ? answer.Data : {},
  });
}
