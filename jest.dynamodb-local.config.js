const config = require('./jest.config.js');

/** The end-to-end tests with DynamoDB Local in place of the embedded DynamoDB, and a Function URL in place of the HTTP API. @type {import('jest').Config} */
module.exports = {
  ...config,
  testMatch: ['**/e2e/**/*.test.ts'],
  // Neither the table nor the front door matters to when a schedule runs and what comes of it, which takes long to try.
  testPathIgnorePatterns: ['/e2e/schedule-(times|runs)'],
  globalSetup: '<rootDir>/test/e2e/dynamodb-local-setup.ts',
  globalTeardown: '<rootDir>/test/e2e/dynamodb-local-teardown.ts',
};
