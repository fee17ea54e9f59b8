const MAX_LENGTH = 512;
const MAX_DEPTH = 32;
const DAY_MS = 86_400_000;

/** A retry-delay expression that can't be read; the message says why and is fit for a 400. */
export class RetryDelayError extends Error {}

type Term = (retried: number) => number;

const FUNCTIONS: ReadonlyMap<string, { readonly arity: number; readonly apply: (...values: number[]) => number }> =
  new Map([
    ['pow', { arity: 2, apply: Math.pow }],
    ['exp', { arity: 1, apply: Math.exp }],
    ['sqrt', { arity: 1, apply: Math.sqrt }],
    ['abs', { arity: 1, apply: Math.abs }],
    ['floor', { arity: 1, apply: Math.floor }],
    ['ceil', { arity: 1, apply: Math.ceil }],
    ['round', { arity: 1, apply: Math.round }],
    ['min', { arity: 2, apply: Math.min }],
    ['max', { arity: 2, apply: Math.max }],
  ]);

/**
 * Reads an `Upstash-Retry-Delay` expression: numbers, `retried` (retries made so far, 0 before the first),
 * `+ - * / %`, parentheses and `pow exp sqrt abs floor ceil round min max`. The function it returns gives
 * milliseconds: whole, at least 0 (also for NaN), at most a day. Throws {@link RetryDelayError} for
 * anything else, more than 512 characters or nesting deeper than 32.
 */
export function parseRetryDelay(expression: string): (retried: number) => number {
  if (expression.length > MAX_LENGTH) throw new RetryDelayError(`longer than ${MAX_LENGTH} characters`);
  const term = new Parser(expression).parse();
  return (retried) => clamp(term(retried));
}

function clamp(value: number): number {
  return Number.isNaN(value) ? 0 : Math.round(Math.min(DAY_MS, Math.max(0, value)));
}

/** Recursive descent; each method reads one level of precedence. */
class Parser {
  private readonly tokens: string[];
  private next = 0;

  constructor(expression: string) {
    this.tokens = tokenize(expression);
  }

  parse(): Term {
    const term = this.sum(0);
    if (this.next < this.tokens.length) throw this.unexpected();
    return term;
  }

  private sum(depth: number): Term {
    let left = this.product(depth);
    for (;;) {
      const before = left;
      if (this.take('+')) {
        const right = this.product(depth);
        left = (retried) => before(retried) + right(retried);
      } else if (this.take('-')) {
        const right = this.product(depth);
        left = (retried) => before(retried) - right(retried);
      } else return left;
    }
  }

  private product(depth: number): Term {
    let left = this.signed(depth);
    for (;;) {
      const before = left;
      if (this.take('*')) {
        const right = this.signed(depth);
        left = (retried) => before(retried) * right(retried);
      } else if (this.take('/')) {
        const right = this.signed(depth);
        left = (retried) => before(retried) / right(retried);
      } else if (this.take('%')) {
        const right = this.signed(depth);
        left = (retried) => before(retried) % right(retried);
      } else return left;
    }
  }

  private signed(depth: number): Term {
    if (depth >= MAX_DEPTH) throw new RetryDelayError(`nested deeper than ${MAX_DEPTH}`);
    if (this.take('+')) return this.signed(depth + 1);
    if (this.take('-')) {
      const term = this.signed(depth + 1);
      return (retried) => -term(retried);
    }
    return this.primary(depth);
  }

  private primary(depth: number): Term {
    if (this.take('(')) {
      const inner = this.sum(depth + 1);
      this.expect(')');
      return inner;
    }
    const token = this.tokens[this.next];
    if (token === undefined) throw this.unexpected();
    if (/^[\d.]/.test(token)) {
      this.next++;
      const value = Number(token);
      return () => value;
    }
    if (this.take('retried')) return (retried) => retried;
    const called = FUNCTIONS.get(token);
    if (called === undefined) throw this.unexpected();
    this.next++;
    this.expect('(');
    const values = [this.sum(depth + 1)];
    while (values.length < called.arity) {
      this.expect(',');
      values.push(this.sum(depth + 1));
    }
    this.expect(')');
    return (retried) => called.apply(...values.map((value) => value(retried)));
  }

  private take(token: string): boolean {
    if (this.tokens[this.next] !== token) return false;
    this.next++;
    return true;
  }

  private expect(token: string): void {
    if (!this.take(token)) throw this.unexpected();
  }

  private unexpected(): RetryDelayError {
    const token = this.tokens[this.next];
    return new RetryDelayError(token === undefined ? 'ends too early' : `unexpected "${token.slice(0, 20)}"`);
  }
}

function tokenize(expression: string): string[] {
  const tokens: string[] = [];
  const token = /\s*((?:\d+(?:\.\d*)?|\.\d+)(?:e[+-]?\d+)?|[a-z]+|[-+*/%(),])\s*/iy;
  while (token.lastIndex < expression.length) {
    const at = token.lastIndex;
    const found = token.exec(expression);
    if (found === null) throw new RetryDelayError(`unexpected character at position ${at + 1}`);
    tokens.push(found[1]!);
  }
  return tokens;
}
