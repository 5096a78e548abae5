import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';
import { CountReporter } from './support/count-reporter.ts';

const at = (path: string): string => fileURLToPath(new URL(path, import.meta.url));

/** The doors resolve to the sources, so that a test runs what it reads. The kernels are built before (npm run build:kernels). */
export default defineConfig({
  root: at('..'),
  resolve: {
    alias: [
      { find: /^millrace$/, replacement: at('../src/index.ts') },
      { find: /^millrace\/node$/, replacement: at('../node/index.ts') },
      { find: /^millrace\/web$/, replacement: at('../web/index.ts') },
      { find: /^millrace\/testing$/, replacement: at('../src/testing/index.ts') },
    ],
  },
  test: {
    include: ['test/**/*.test.ts'],
    exclude: ['test/prove/**', 'test/web/**/fixtures/**'],
    reporters: ['default', new CountReporter()],
    pool: 'forks',
    maxWorkers: 2,
    // They end what hangs, on a machine however busy; no test measures time.
    testTimeout: 300_000,
    hookTimeout: 300_000,
  },
});
