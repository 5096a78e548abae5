/** Sessions in every result mode: a session that takes no late rows gives one result, whichever operator makes it. */
import { expect, test } from 'vitest';
import { below, type Random, seededRandom } from '../../../../src/base/random.ts';
import { runsAsKernel } from '../../../../src/plan/window-choice.ts';
import { NO_WATERMARK, runWindow, windowNode, type WindowRow } from '../../../support/general-window-run.ts';
import { newKernels } from '../../../support/kernels.ts';

function rowsOf(random: Random): readonly WindowRow[] {
  let clock = 0;
  let watermark = NO_WATERMARK;
  return Array.from({ length: 80 }, () => {
    clock += below(random, 200);
    const time = Math.max(0, clock - below(random, below(random, 4) === 0 ? 900 : 100));
    const row = { key: 'ab'[below(random, 2)] ?? '', value: below(random, 9), time, watermark, gapMs: 1 };
    if (below(random, 3) === 0) watermark = Math.max(watermark, clock - below(random, 200));
    return row;
  });
}

test.each(['accumulating', 'discarding', 'retracting', 'final'] as const)(
  'kernels honour results: %s, because without lateness all are the same inserts',
  async (results) => {
    const kernels = await newKernels();
    let late = 0;
    for (let seed = 1; seed <= 25; seed++) {
      const rows = rowsOf(seededRandom(seed));
      const node = windowNode({ window: { kind: 'session', clock: 'event time', gapMs: 150 }, results });
      expect(runsAsKernel(node)).toBe(true);
      const kernel = runWindow(kernels, node, rows, { batchRows: 16, as: 'kernel' });
      const general = runWindow(kernels, node, rows, { batchRows: 16, as: 'general' });
      const told = `seed ${seed}`;
      expect([...kernel.results].sort(), told).toEqual([...general.results].sort());
      expect(kernel.late, told).toEqual(general.late);
      expect(
        kernel.results.every((text) => text.startsWith('+I')),
        told,
      ).toBe(true);
      expect([kernel.ledgerOff, general.ledgerOff], told).toEqual([0, 0]);
      late += kernel.late.length;
    }
    expect(late).toBeGreaterThan(20);
    const reopened = windowNode({
      window: { kind: 'session', clock: 'event time', gapMs: 150 },
      results,
      allowedLatenessMs: 1,
    });
    expect(runsAsKernel(reopened)).toBe(false);
  },
);
