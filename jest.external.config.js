const { testPathIgnorePatterns: _, ...config } = require('./jest.config.js');

/** @type {import('jest').Config} */
module.exports = { ...config, testMatch: ['**/external/**/*.test.ts'] };
