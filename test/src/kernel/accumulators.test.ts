/** Accumulators in bytes of the caller: rows that are taken back, before and after they came. */
import { expect, test } from 'vitest';
import { Physical } from '../../../src/data/types.ts';
import { Accumulators } from '../../../src/kernel/accumulators.ts';
import { specOf } from '../../support/aggregate-specs.ts';
import { newKernels } from '../../support/kernels.ts';

test('what is taken back leaves nothing behind, and beyond nothing a sum is null and a count negative', async () => {
  const kernels = await newKernels();
  const specs = [
    specOf({ name: 'n', fn: 'count', input: undefined, nullable: false }),
    specOf({ name: 'total', fn: 'sum', input: Physical.I64, nullable: true }),
  ];
  const accumulators = new Accumulators(kernels, specs, 8);
  const column = { values: kernels.memory.allocate(16), validity: 0 };
  kernels.memory.i64.set([5n, -(2n ** 62n)], column.values >>> 3);
  accumulators.setInput({ selected: 2, selection: 0, key: undefined, columns: [undefined, column], filters: [0, 0] });
  const [counts, totals] = accumulators.results;
  const resultAt = (row: number): readonly (bigint | null | undefined)[] => {
    accumulators.finish(row);
    const { i64, u8 } = kernels.memory;
    const present = ((u8[totals?.validity ?? 0] ?? 0) >> row) & 1;
    return [i64[((counts?.values ?? 0) >>> 3) + row], present === 1 ? i64[((totals?.values ?? 0) >>> 3) + row] : null];
  };
  accumulators.create();
  accumulators.retract(0);
  expect(accumulators.rows).toBe(-1);
  const ahead = accumulators.store();
  expect(resultAt(0)).toEqual([-1n, null]);
  accumulators.create();
  accumulators.add(0);
  accumulators.add(1);
  accumulators.retract(1);
  expect(resultAt(1)).toEqual([1n, 5n]);
  accumulators.merge(ahead);
  expect(accumulators.rows).toBe(0);
  expect(resultAt(2)[0]).toBe(0n);
});
