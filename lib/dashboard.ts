import { AlarmStatusWidget, Dashboard, GraphWidget, type IAlarm, type IMetric } from 'aws-cdk-lib/aws-cloudwatch';
import type { IQueue } from 'aws-cdk-lib/aws-sqs';
import type { Construct } from 'constructs';

export interface MetricsDashboardProps {
  readonly alarms: IAlarm[];
  readonly outcomes: IMetric[];
  readonly attemptDuration: IMetric;
  readonly promoterLag: IMetric;
  readonly queues: readonly IQueue[];
  readonly serverErrors: IMetric;
}

/** The life of messages from left to right, the alarms above. */
export function createDashboard(scope: Construct, props: MetricsDashboardProps): Dashboard {
  const graph = (title: string, left: IMetric[]) => new GraphWidget({ title, left, width: 8 });
  return new Dashboard(scope, 'Dashboard', {
    widgets: [
      [new AlarmStatusWidget({ title: 'Alarms', alarms: props.alarms, width: 24 })],
      [
        graph('Messages', props.outcomes),
        graph('Attempt duration (ms)', [props.attemptDuration]),
        graph('Promoter lag (s)', [props.promoterLag]),
      ],
      [
        graph(
          'Visible hints',
          props.queues.map((queue) => queue.metricApproximateNumberOfMessagesVisible({ statistic: 'Maximum' })),
        ),
        graph(
          'Age of the oldest hint (s)',
          props.queues.map((queue) => queue.metricApproximateAgeOfOldestMessage({ statistic: 'Maximum' })),
        ),
        graph('Server errors', [props.serverErrors]),
      ],
    ],
  });
}
