import * as fs from 'node:fs';
import * as path from 'node:path';
import { Code } from 'aws-cdk-lib/aws-lambda';
import type { FunctionName } from './permissions';

/** The bundled code of a function: `lib` and the compiled `dist` lie equally deep below the package. */
export function functionCode(name: FunctionName): Code {
  const folder = path.join(__dirname, '..', 'assets', name);
  if (!fs.existsSync(path.join(folder, 'index.mjs'))) {
    throw new Error(`the code of the function "${name}" is not built: run \`npm run build\` (expected ${folder})`);
  }
  return Code.fromAsset(folder);
}
