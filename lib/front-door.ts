import { Duration, Fn, RemovalPolicy, Validations } from 'aws-cdk-lib';
import { AccessLogFormat } from 'aws-cdk-lib/aws-apigateway';
import { HttpApi, HttpStage, LogGroupLogDestination } from 'aws-cdk-lib/aws-apigatewayv2';
import { HttpLambdaIntegration } from 'aws-cdk-lib/aws-apigatewayv2-integrations';
import { type IMetric, Metric } from 'aws-cdk-lib/aws-cloudwatch';
import { FunctionUrl, FunctionUrlAuthType, type IFunction } from 'aws-cdk-lib/aws-lambda';
import { LogGroup, type RetentionDays } from 'aws-cdk-lib/aws-logs';
import type { Construct } from 'constructs';

/** What a front door is attached to. */
export interface FrontDoorBindOptions {
  /** The function that answers every request. It checks the bearer token itself. */
  readonly handler: IFunction;
  /** How long an access log is kept. */
  readonly logRetention: RetentionDays;
}

/** What a front door offers once it is attached. */
export interface FrontDoorConfig {
  /** The address of the service, without a slash at the end. */
  readonly url: string;
  /**
   * Whether the path reaches the function decoded and with `//` collapsed, so that destinations in it have to
   * be repaired.
   */
  readonly decodesPaths: boolean;
  /** Counts the answers with a status of 500 and above. */
  readonly serverErrors: IMetric;
}

/** How the service is reached over HTTP. */
export abstract class FrontDoor {
  /**
   * An API Gateway HTTP API: an access log, throttling by the account's limits, requests of at most 30 seconds
   * and 10240 bytes of headers.
   *
   * It decodes the path before the function sees it. Destinations are repaired, except for `%2F`, `%3F`,
   * `%23`, `%25` and `//` inside of a destination's path, which arrive changed. `/v2/batch`, whose destinations
   * are in the body, has no such loss.
   */
  public static httpApi(): FrontDoor {
    return new HttpApiFrontDoor();
  }

  /**
   * A Lambda function URL: destinations in the path arrive exactly as they were sent, and requests cost
   * nothing beyond the function. No access log and no throttling of its own.
   */
  public static functionUrl(): FrontDoor {
    return new FunctionUrlFrontDoor();
  }

  /** Creates the front door in `scope` and leads every request to the handler. */
  public abstract bind(scope: Construct, options: FrontDoorBindOptions): FrontDoorConfig;
}

const FIVE_MINUTES = Duration.minutes(5);

class HttpApiFrontDoor extends FrontDoor {
  public bind(scope: Construct, options: FrontDoorBindOptions): FrontDoorConfig {
    const api = new HttpApi(scope, 'HttpApi', {
      createDefaultStage: false,
      defaultIntegration: new HttpLambdaIntegration('Api', options.handler),
    });
    Validations.of(api).acknowledge({
      id: 'AwsSolutions-APIG4',
      reason: 'The function checks the bearer token itself, in constant time and the same for every front door',
    });
    const accessLog = new LogGroup(scope, 'AccessLog', {
      retention: options.logRetention,
      removalPolicy: RemovalPolicy.DESTROY,
    });
    new HttpStage(scope, 'Stage', {
      httpApi: api,
      autoDeploy: true,
      accessLogSettings: {
        destination: new LogGroupLogDestination(accessLog),
        // Neither path nor query: a destination and a token can stand in them.
        format: AccessLogFormat.custom(
          JSON.stringify({
            requestId: '$context.requestId',
            routeKey: '$context.routeKey',
            status: '$context.status',
            latency: '$context.responseLatency',
          }),
        ),
      },
    });
    return {
      url: api.apiEndpoint,
      decodesPaths: true,
      serverErrors: api.metricServerError({ statistic: 'Sum', period: FIVE_MINUTES }),
    };
  }
}

class FunctionUrlFrontDoor extends FrontDoor {
  public bind(scope: Construct, options: FrontDoorBindOptions): FrontDoorConfig {
    const functionUrl = new FunctionUrl(scope, 'FunctionUrl', {
      function: options.handler,
      authType: FunctionUrlAuthType.NONE,
    });
    return {
      // `https://HOST/` without the slash at its end.
      url: Fn.join('', ['https://', Fn.select(2, Fn.split('/', functionUrl.url))]),
      decodesPaths: false,
      serverErrors: new Metric({
        namespace: 'AWS/Lambda',
        metricName: 'Url5xxCount',
        dimensionsMap: { FunctionName: options.handler.functionName },
        statistic: 'Sum',
        period: FIVE_MINUTES,
      }),
    };
  }
}
