/** @type {import('jest').Config} */
module.exports = {
  testEnvironment: 'node',
  roots: ['<rootDir>/test'],
  testMatch: ['**/*.test.ts'],
  // What needs Python or Java runs by itself: npm run test:external.
  testPathIgnorePatterns: ['/node_modules/', '/external/'],
  transform: {
    '^.+\\.[tj]s$': [
      '@swc/jest',
      {
        jsc: { parser: { syntax: 'typescript' }, target: 'es2022' },
        module: { type: 'commonjs' },
      },
    ],
  },
  // The machines that this is made for have two cores, of which jest would use one.
  maxWorkers: '100%',
  setupFiles: ['<rootDir>/test/same-examples.ts'],
  testSequencer: '<rootDir>/test/longest-first.js',
  testTimeout: 60_000,
};
