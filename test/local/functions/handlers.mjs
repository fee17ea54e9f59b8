// What the functions of the tests beside do. Plain JavaScript: workers load it as it is.
const offset = globalThis[Symbol.for('cdk-qstash.serviceTimeOffset')];

export const environment = () => ({ ...process.env });
export const echo = (event) => event;
export const nothing = () => undefined;
export const unserializable = () => ({ size: 1n });
export const context = (_event, given) => ({ ...given, remaining: given.getRemainingTimeInMillis() });
export const time = () => ({ ahead: offset[0], local: globalThis[Symbol.for('cdk-qstash.local')] });
export const notAFunction = 5;

/** Counts who is here at the same time, and waits until all may go. */
export function meet() {
  const [HERE, MOST, GO] = [2, 3, 4];
  const shared = new Int32Array(offset.buffer);
  const here = Atomics.add(shared, HERE, 1) + 1;
  for (;;) {
    const most = Atomics.load(shared, MOST);
    if (here <= most || Atomics.compareExchange(shared, MOST, most, here) === most) break;
  }
  Atomics.wait(shared, GO, 0);
  Atomics.sub(shared, HERE, 1);
}

export function fail(kind) {
  if (kind === 'text') throw 'as asked';
  const error = new RangeError('as asked');
  throw error;
}

export async function hang(kind) {
  console.log('about to hang');
  if (kind === 'busy') {
    await new Promise((resolve) => setTimeout(resolve, 50));
    for (;;);
  }
  await new Promise(() => setInterval(() => undefined, 1000));
}

export function exit(code) {
  console.log('about to exit');
  process.exit(code);
}

export async function unhandled() {
  void Promise.reject(new Error('nobody handles this'));
  await new Promise(() => setInterval(() => undefined, 1000));
}

let invocations = 0;
/** Answers, and afterwards ends the runtime that it ran in. */
export function answerAndDie() {
  setImmediate(() => {
    throw new Error('after the answer');
  });
  return ++invocations;
}

export function count() {
  return ++invocations;
}

export function write() {
  process.stdout.write('one\nt');
  process.stdout.write(Buffer.from('wo\n'));
  console.error('three');
  return new Promise((resolve) => process.stdout.write('not ended', 'utf8', () => resolve(null)));
}
