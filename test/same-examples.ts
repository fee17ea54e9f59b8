import fc from 'fast-check';

// The same examples in every run, so that a test turns red by what was changed; at night there are new ones.
if (process.env.NIGHTLY === undefined) fc.configureGlobal({ seed: 1 });
