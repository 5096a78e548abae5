/** A real job crashed at every call of every port: wherever it was, it commits what it commits undisturbed. */
import { expect, test } from 'vitest';
import { crashEverywhere, type CrashReport } from '../../src/testing/simulator.ts';
import { crashFiles, crashScenario, type StoreKind, undisturbedOutput } from '../support/crash-job.ts';
import { implausible, textOf } from '../support/crash-report.ts';

const SEED = 1;
const POINTS_MIN = 500;
/** Only ends what hangs: a thousand runs take seconds on a machine that does nothing else. */
const HUNG_MS = 5 * 60_000;

async function crashAll(store: StoreKind): Promise<CrashReport> {
  const files = crashFiles(SEED);
  const expected = await undisturbedOutput(store, files);
  expect(implausible(expected)).toBeUndefined();
  return crashEverywhere(crashScenario({ store, files, expected }), { seed: SEED, differencesMax: 3 });
}

for (const store of ['memory', 'disk'] as const) {
  test(
    `a job with three splits and late rows survives a crash at every port call, checkpoints in the ${store} store`,
    async () => {
      const report = await crashAll(store);
      console.log(`crashes, ${store} store: ${report.runs} points, ${report.differences.length} differences`);
      expect(textOf(report.differences)).toBe('');
      expect(report.runs).toBe(report.points);
      expect(report.points).toBeGreaterThanOrEqual(POINTS_MIN);
    },
    HUNG_MS,
  );
}
