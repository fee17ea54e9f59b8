import { S } from '../../../lambda/store/keys';
import { getItem } from '../../../lambda/store/read-items';
import { putItem } from '../../../lambda/store/write-items';
import { type Opened, openStandIns } from '../stand-ins';

let opened: Opened;

beforeAll(async () => {
  opened = await openStandIns();
});
afterAll(() => opened.close());

test('a call that is never answered is given up and repeated', async () => {
  const item = { pk: S('a'), sk: S('b') };
  const release: (() => void)[] = [];
  opened.intercept = async (_call, execute) => {
    if (release.length === 0) await new Promise<void>((resolve) => release.push(resolve));
    return execute();
  };
  await putItem(item);
  expect(release).toHaveLength(1);
  release[0]!();
  expect(await getItem(item)).toEqual(item);
});
