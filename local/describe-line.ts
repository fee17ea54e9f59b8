/**
 * A short line for the terminal from one line that a function logged, or undefined when it tells nothing
 * that happened to a message (metrics, for example). What is not JSON passes as it is.
 */
export function describeLine(text: string): string | undefined {
  const line = parse(text);
  if (line === undefined) return text.trim() === '' ? undefined : text;
  if (typeof line.event !== 'string') return undefined;
  const { event, messageId, time: _time, ...fields } = line;
  const known = ['method', 'host', 'url', 'status', 'attempt', 'reason', 'doing', 'error', 'text', 'dlqId'];
  const details = known.filter((name) => isShown(fields[name])).map((name) => detail(name, fields[name]));
  return [event.padEnd(16), messageId, ...details].filter((part) => part !== undefined).join('  ');
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
