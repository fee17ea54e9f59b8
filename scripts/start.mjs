// `npm start`: builds what is out of date, then runs local mode with the arguments given.
const args = process.argv.splice(2);

process.argv.push('--if-stale');
await import('./build.mjs');

process.argv.splice(2, 1, 'dev', ...args);
await import('../dist-bin/cdk-qstash.mjs');
