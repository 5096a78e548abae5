import { defineConfig } from 'vitest/config';
import everyday from './vitest.config.ts';

/**
 * The heavy counts: test/prove, two files at a time. Each file bounds its own work in steps; the limits here only end what
 * hangs. MILLRACE_PROVE=long (npm run prove -- --long) asks the files for the counts of a release.
 */
export default defineConfig({
  ...everyday,
  test: {
    ...everyday.test,
    include: ['test/prove/**/*.test.ts'],
    exclude: ['test/prove/**/fixtures/**'],
    testTimeout: 10 * 60_000,
    hookTimeout: 5 * 60_000,
  },
});
