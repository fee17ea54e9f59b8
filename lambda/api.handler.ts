import type { APIGatewayProxyEventV2, APIGatewayProxyStructuredResultV2 } from 'aws-lambda';
import { readRequest } from './http/api-request';
import { toErrorResult, toResult } from './http/api-response';
import { authorize } from './http/authorize';
import { router } from './http/routes';
import { apiTokens } from './keys/api-tokens';

/** Answers one request of the HTTP API. */
export async function handler(event: APIGatewayProxyEventV2): Promise<APIGatewayProxyStructuredResultV2> {
  try {
    const request = readRequest(event);
    const { route, parameters } = router.find(request);
    authorize(request, route.access, await apiTokens());
    return toResult(await route.answer(request, parameters));
  } catch (error) {
    return toErrorResult(error, event.requestContext.requestId);
  }
}
