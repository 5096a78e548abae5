import { beforeAll, expect, test } from 'vitest';
import { seededRandom, uniform } from '../../../src/base/random.ts';
import { ExpressionKernels } from '../../../src/kernel/expression.ts';
import type { KernelInstance } from '../../../src/kernel/instance.ts';
import { columnOf, kernelInstance, readSelection, selectionOf } from '../../support/column-batch.ts';

let kernels: KernelInstance;
beforeAll(async () => {
  kernels = await kernelInstance(16);
});

test('a selection holds the rows that are true, present and without errors, at every length and density', () => {
  const k = new ExpressionKernels(kernels);
  for (let rows = 0; rows <= 80; rows++) {
    for (const density of [0, 0.1, 0.5, 0.95, 1]) {
      kernels.reset();
      const random = seededRandom(rows * 100 + density * 10);
      const chance = (p: number): boolean => uniform(random) < p;
      const values = Array.from({ length: rows }, () => (chance(0.1) ? null : chance(density)));
      const failed = values.map(() => (chance(0.2) ? 1 : 0));
      const chosen = values.map((_, row) => row).filter(() => chance(0.6));
      const out = kernels.memory.allocate(rows * 4 + 64);
      const column = columnOf(kernels.memory, 'bool', values);
      const errors = kernels.memory.allocate(rows + 1);
      kernels.memory.u8.set(failed, errors);
      for (const [errorColumn, selection] of [
        [0, undefined],
        [0, chosen],
        [errors, undefined],
        [errors, chosen],
      ] as const) {
        const meant = selection ?? values.map((_, row) => row);
        const input = {
          rows,
          selection: selection === undefined ? 0 : selectionOf(kernels.memory, selection),
          selected: meant.length,
        };
        const count = k.selectTrue({ ...column, step: 1, errors: errorColumn }, input, out);
        const expected = meant.filter((row) => values[row] === true && (errorColumn === 0 || failed[row] === 0));
        expect(readSelection(kernels.memory, out, count), `${rows} rows at ${density}`).toEqual(expected);
      }
    }
  }
});
