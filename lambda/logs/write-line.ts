import { METRIC_DIMENSION, METRIC_NAMESPACE, Metric } from '../../lib/names';
import { requireEnv } from '../config';

type Field = string | number | boolean | undefined;

/**
 * Writes one JSON line. Lines carry ids, hosts, statuses and times; never a body, a header, a token, a
 * path or a query, since webhook addresses carry their secret there.
 */
function writeLine(line: Readonly<Record<string, unknown>>): void {
  process.stdout.write(`${JSON.stringify(line)}\n`);
}

/** One line per event of a message's life. */
export function logEvent(event: string, fields: Readonly<Record<string, Field>>): void {
  writeLine({ event, ...fields });
}

/** The part of a destination that may be logged. */
export function hostOf(url: string): string {
  return URL.canParse(url) ? new URL(url).host : '';
}

/** A fault of ours: what we were doing, and the error's name and text, which never quote a message. */
export function logFault(doing: string, error: unknown, fields: Readonly<Record<string, Field>> = {}): void {
  const { name, message } = error instanceof Error ? error : new Error(String(error));
  writeLine({ event: 'fault', doing, error: name, text: message, ...fields });
}

type MetricName = (typeof Metric)[keyof typeof Metric];
const UNITS: Partial<Record<MetricName, string>> = {
  [Metric.ATTEMPT_DURATION]: 'Milliseconds',
  [Metric.PROMOTER_LAG]: 'Seconds',
};

/**
 * CloudWatch metrics in the embedded metric format: one line for everything one invocation counted, together
 * with the event that it tells of, if there is one.
 */
export function writeMetrics(
  at: number,
  values: Readonly<Partial<Record<MetricName, number | number[]>>>,
  event: Readonly<Record<string, Field>> = {},
): void {
  const names = (Object.keys(values) as MetricName[]).filter((name) => values[name] !== undefined);
  if (names.length === 0) return;
  writeLine({
    ...event,
    _aws: {
      Timestamp: at,
      CloudWatchMetrics: [
        {
          Namespace: METRIC_NAMESPACE,
          Dimensions: [[METRIC_DIMENSION]],
          Metrics: names.map((Name) => ({ Name, Unit: UNITS[Name] ?? 'Count' })),
        },
      ],
    },
    [METRIC_DIMENSION]: requireEnv('SERVICE'),
    ...values,
  });
}
