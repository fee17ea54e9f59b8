const config = require('./jest.config.js');

/** The end-to-end tests with DynamoDB Local in place of the embedded DynamoDB. @type {import('jest').Config} */
module.exports = {
  ...config,
  testMatch: ['**/e2e/**/*.test.ts'],
  globalSetup: '<rootDir>/test/e2e/dynamodb-local-setup.ts',
  globalTeardown: '<rootDir>/test/e2e/dynamodb-local-teardown.ts',
};
