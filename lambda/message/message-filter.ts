import type { Message } from './message';

/** Which messages are meant: values of one field are alternatives, and every field given must fit. */
export interface MessageFilter {
  readonly messageId?: readonly string[];
  readonly url?: readonly string[];
  readonly host?: readonly string[];
  readonly path?: readonly string[];
  readonly label?: readonly string[];
  readonly callerIp?: readonly string[];
  readonly topicName?: readonly string[];
  readonly queueName?: readonly string[];
  readonly scheduleId?: readonly string[];
  readonly flowControlKey?: readonly string[];
  /** Inclusive, milliseconds; of what, the route says. */
  readonly fromDate?: number;
  readonly toDate?: number;
}

/** Whether the filter means a message, its dates left aside. */
export function matchesMessage(filter: MessageFilter, message: Message): boolean {
  const { host, pathname } = new URL(message.url);
  return (
    includes(filter.messageId, message.messageId) &&
    includes(filter.url, message.url) &&
    includes(filter.host, host) &&
    includes(filter.path, pathname) &&
    includes(filter.callerIp, message.callerIp) &&
    includes(filter.topicName, message.topicName) &&
    includes(filter.queueName, message.queue?.name) &&
    includes(filter.scheduleId, message.scheduleId) &&
    includes(filter.flowControlKey, message.flowControl?.key) &&
    (filter.label === undefined || filter.label.some((label) => message.labels?.includes(label)))
  );
}

/** Whether a time lies within the filter's dates. */
export function matchesTime({ fromDate, toDate }: MessageFilter, time: number): boolean {
  return (fromDate === undefined || time >= fromDate) && (toDate === undefined || time <= toDate);
}

function includes(values: readonly string[] | undefined, value: string | undefined): boolean {
  return values === undefined || (value !== undefined && values.includes(value));
}
