/** What is shown of an event besides its time, name and message, in this order. */
const DETAILS = ['scheduleId', 'method', 'host', 'status', 'attempt', 'reason', 'doing', 'error', 'text', 'dlqId'];

/**
 * A short line for the terminal from one line that a function logged, or undefined when it tells nothing
 * that happened to a message (metrics, for example). What is not JSON passes as it is. The time is the
 * event's own, else `now`, both in service time.
 */
export function describeLine(text: string, now: number): string | undefined {
  const line = parse(text);
  if (line === undefined) return text.trim() === '' ? undefined : `${stamp(now)}  ${text}`;
  const { event, messageId, time } = line;
  if (typeof event !== 'string') return undefined;
  const details = DETAILS.filter((name) => isShown(line[name])).map((name) => detail(name, line[name]));
  const at = stamp(typeof time === 'number' ? time : now);
  return [at, event.padEnd(16), messageId, ...details]
    .filter((part) => part !== undefined)
    .join('  ')
    .trimEnd();
}

/** `12-24 22:58:19.679`, in UTC: after time travel the day matters too. */
function stamp(time: number): string {
  return new Date(time).toISOString().slice(5, 23).replace('T', ' ');
}

function detail(name: string, value: unknown): string {
  return name === 'attempt' || name === 'status' ? `${name} ${String(value)}` : String(value);
}

function isShown(value: unknown): boolean {
  return typeof value === 'number' || (typeof value === 'string' && value !== '');
}

function parse(text: string): Record<string, unknown> | undefined {
  if (!text.startsWith('{')) return undefined;
  try {
    return JSON.parse(text) as Record<string, unknown>;
  } catch {
    return undefined;
  }
}
