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

/** Fields of messages that this version never makes: whoever asks for them gets none. */
const NEVER_SET = ['topicName', 'queueName', 'scheduleId', 'flowControlKey'] as const;

/** Whether the filter asks for what no message has. */
export function meansNone(filter: Pick<MessageFilter, (typeof NEVER_SET)[number]>): boolean {
  return NEVER_SET.some((field) => filter[field] !== undefined);
}

/** Whether the filter means a message, its dates left aside. */
export function matchesMessage(filter: MessageFilter, message: Message): boolean {
  if (meansNone(filter)) return false;
  const { host, pathname } = new URL(message.url);
  return (
    includes(filter.messageId, message.messageId) &&
    includes(filter.url, message.url) &&
    includes(filter.host, host) &&
    includes(filter.path, pathname) &&
    includes(filter.callerIp, message.callerIp) &&
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
