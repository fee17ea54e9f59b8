import { Duration } from 'aws-cdk-lib';
import {
  Alarm,
  ComparisonOperator,
  type IAlarm,
  type IAlarmAction,
  type IMetric,
  MathExpression,
  TreatMissingData,
} from 'aws-cdk-lib/aws-cloudwatch';
import type { IQueue } from 'aws-cdk-lib/aws-sqs';
import { Construct } from 'constructs';

export interface AlarmsProps {
  readonly deliveriesQueue: IQueue;
  readonly failuresQueue: IQueue;
  readonly redriveQueue: IQueue;
  readonly wakesQueue: IQueue;
  readonly deliveryTimeout: Duration;
  /** Counts the hints that promote took from the redrive queue. */
  readonly redriven: IMetric;
  readonly promoterLag: IMetric;
  readonly serverErrors: IMetric;
  readonly actions: readonly IAlarmAction[];
}

interface AlarmOptions {
  readonly metric: IMetric;
  /** What it means and what to do, in a sentence each. */
  readonly meaning: string;
  readonly action: string;
  /** Heading of the runbook, as an anchor. */
  readonly section: string;
  /** Goes off at this value and above. */
  readonly threshold: number;
  readonly evaluationPeriods?: number;
  readonly missing?: TreatMissingData;
}

/** What somebody should be woken for, each with a section in the runbook. */
export class Alarms extends Construct {
  public readonly all: IAlarm[] = [];
  private readonly actions: readonly IAlarmAction[];

  constructor(scope: Construct, id: string, props: AlarmsProps) {
    super(scope, id);
    this.actions = props.actions;
    const period = Duration.minutes(5);
    const redrive = { period, statistic: 'Maximum' };

    this.add('RedriveDepth', {
      metric: new MathExpression({
        expression: 'visible + inFlight',
        usingMetrics: {
          visible: props.redriveQueue.metricApproximateNumberOfMessagesVisible(redrive),
          inFlight: props.redriveQueue.metricApproximateNumberOfMessagesNotVisible(redrive),
        },
        label: 'Hints in the redrive queue',
        period,
      }),
      threshold: 1,
      meaning: 'Hints that a function could not deal with ten times have not been taken up again yet.',
      action: 'Read the logs of deliver and fail for what keeps failing; no message is lost meanwhile.',
      section: 'redrive-depth',
    });
    // Promote empties the queue each minute, so a sample of its depth can miss what came and went.
    this.add('Redriven', {
      metric: props.redriven,
      threshold: 1,
      meaning: 'A function of the service crashed or was throttled ten times over the same message.',
      action: 'Read the logs of deliver and fail; after six such rounds the message becomes a dead letter.',
      section: 'redrive-depth',
    });
    // The two that feed functions: a hint may wait 15 minutes, and be in a batch for a function's time, twice.
    const oldest = 900 + 2 * props.deliveryTimeout.toSeconds();
    for (const [queue, name] of [
      [props.deliveriesQueue, 'Deliveries'],
      [props.failuresQueue, 'Failures'],
    ] as const) {
      this.add(`${name}Age`, {
        metric: queue.metricApproximateAgeOfOldestMessage(redrive),
        threshold: oldest,
        meaning: `Messages wait in the ${name.toLowerCase()} queue longer than deliveries take.`,
        action: 'Look for throttles, for slow destinations, and with a VPC for a missing route.',
        section: 'age-of-the-oldest-message',
      });
    }
    this.add('WakesAge', {
      metric: props.wakesQueue.metricApproximateAgeOfOldestMessage(redrive),
      threshold: 300,
      meaning: 'What waits in queues and flow controls is not let through, or minutes late.',
      action: 'Look at the logs of dispatch, and for its throttles and those of the table.',
      section: 'age-of-the-oldest-wake',
    });
    this.add('RedriveAge', {
      metric: props.redriveQueue.metricApproximateAgeOfOldestMessage(redrive),
      threshold: 3600,
      meaning: 'The redrive queue is not emptied any more; after 14 days SQS deletes what is in it.',
      action: 'Look at the logs of promote, which empties it each minute.',
      section: 'age-of-the-oldest-redriven-message',
    });
    this.add('PromoterLag', {
      metric: props.promoterLag,
      threshold: 120,
      evaluationPeriods: 5,
      // The tick tells its lag each minute, also when there is nothing to do.
      missing: TreatMissingData.BREACHING,
      meaning:
        'Delayed messages and late retries start more than 2 minutes after they are due, or the tick stands still.',
      action: 'Look at the logs of promote and at the schedule that invokes it each minute.',
      section: 'promoter-lag',
    });
    this.add('ServerErrors', {
      metric: props.serverErrors,
      threshold: 5,
      meaning: 'Requests to the API are answered with 500 and above; publishers may have to repeat them.',
      action: 'Look at the logs of api, and for throttles of the function and of the table.',
      section: 'server-errors',
    });
  }

  private add(id: string, options: AlarmOptions): void {
    const alarm = new Alarm(this, id, {
      metric: options.metric,
      threshold: options.threshold,
      evaluationPeriods: options.evaluationPeriods ?? 1,
      comparisonOperator: ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
      treatMissingData: options.missing ?? TreatMissingData.NOT_BREACHING,
      alarmDescription: `${options.meaning} ${options.action} Runbook: docs/runbook.md#${options.section}`,
    });
    if (this.actions.length > 0) {
      alarm.addAlarmAction(...this.actions);
      alarm.addOkAction(...this.actions);
    }
    this.all.push(alarm);
  }
}
