import { Activity } from '../../local/activity';

/** A piece of work that ends when told to. */
function work(activity: Activity): () => Promise<void> {
  let end = () => {};
  const done = activity.during(
    () =>
      new Promise<void>((resolve) => {
        end = resolve;
      }),
  );
  return () => {
    end();
    return done;
  };
}

const turn = () => new Promise((resolve) => setImmediate(resolve));

test('it is idle when no work runs, and only then', async () => {
  const activity = new Activity();
  await activity.whenIdle(() => true);
  const [first, second] = [work(activity), work(activity)];
  let idle = false;
  const waiting = activity
    .whenIdle(() => true)
    .then(() => {
      idle = true;
    });
  await first();
  await turn();
  expect(idle).toBe(false);
  await second();
  await waiting;
  expect(activity.begun).toBe(2);
});

test('work that fails has ended too, and its failure is passed on', async () => {
  const activity = new Activity();
  await expect(activity.during(() => Promise.reject(new Error('as asked')))).rejects.toThrow('as asked');
  await activity.whenIdle(() => true);
});

test('it is not idle before everything is quiet', async () => {
  const activity = new Activity();
  let looks = 0;
  await activity.whenIdle(() => ++looks > 3);
  expect(looks).toBeGreaterThan(3);
});

test('work that begins while it looks again is not overlooked', async () => {
  const activity = new Activity();
  let end: (() => Promise<void>) | undefined;
  let ended = false;
  setImmediate(() => {
    end = work(activity);
  });
  const idle = activity
    .whenIdle(() => true)
    .then(() => {
      expect(ended).toBe(true);
    });
  while (end === undefined) await turn();
  await turn();
  ended = true;
  await end();
  await idle;
});
