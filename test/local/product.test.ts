import { DEV_SIGNING_KEYS, DEV_TOKEN } from '../../local/credentials';
import { createStack, VARIANTS } from '../lib/synthesize';
import { closeAll, run } from './fixtures/run';

afterEach(closeAll);

test.each(Object.keys(VARIANTS))(
  'the variant %s runs, and is adopted by an SDK that looks for a local service',
  async (name) => {
    process.env.CDK_VALIDATION = 'false';
    const { app } = createStack(VARIANTS[name]);
    const { service, lines } = await run(app.synth().directory);
    expect(lines).toEqual([]);
    const response = await fetch(`${service.url}/v2/keys`, { headers: { authorization: `Bearer ${DEV_TOKEN}` } });
    expect(await response.json()).toMatchObject(DEV_SIGNING_KEYS);
  },
);
