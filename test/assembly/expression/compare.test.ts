import { beforeAll, expect, test } from 'vitest';
import { below, seededRandom } from '../../../src/base/random.ts';
import { Physical } from '../../../src/data/types.ts';
import { Comparison, ExpressionKernels, type Operand } from '../../../src/kernel/expression.ts';
import type { KernelInstance } from '../../../src/kernel/instance.ts';
import { columnOf, kernelInstance, type Value } from '../../support/column-batch.ts';
import { pick } from '../../support/random-columns.ts';

let kernels: KernelInstance;
beforeAll(async () => {
  kernels = await kernelInstance(16);
});

const HOLDS = {
  eq: <T>(x: T, y: T): boolean => x === y,
  ne: <T>(x: T, y: T): boolean => x !== y,
  lt: <T>(x: T, y: T): boolean => x < y,
  le: <T>(x: T, y: T): boolean => x <= y,
};
const CASES = [
  { name: 'bool', kind: 'bool', physical: Physical.BOOL, width: 1, values: [true, false] },
  { name: 'int32', kind: 'int32', physical: Physical.I32, width: 4, values: [0n, -1n, 1n, 2147483647n, -2147483648n] },
  {
    name: 'int64',
    kind: 'int64',
    physical: Physical.I64,
    width: 8,
    values: [0n, -1n, 2n ** 32n, 2n ** 63n - 1n, -(2n ** 63n)],
  },
  {
    name: 'float64',
    kind: 'float64',
    physical: Physical.F64,
    width: 8,
    values: [0, -0, Number.NaN, 1e-300, Number.NEGATIVE_INFINITY],
  },
] as const;

/** A column, or its first value 16 bytes long. */
function operandOf(
  kind: (typeof CASES)[number]['kind'],
  width: number,
  values: readonly Value[],
  constant: boolean,
): Operand {
  const repeated = constant ? Array.from({ length: 16 / width }, () => values[0] ?? null) : values;
  return { ...columnOf(kernels.memory, kind, repeated), step: constant ? 0 : width, errors: 0 };
}

test.each(CASES)(
  'comparing $name columns and constants is right in every row of every length, and writes no further',
  ({ kind, physical, width, values }) => {
    const k = new ExpressionKernels(kernels);
    for (let rows = 0; rows <= 70; rows++) {
      kernels.reset();
      const random = seededRandom(rows);
      const made = [1, 2].map(() =>
        Array.from({ length: Math.max(rows, 1) }, (): Value => pick<Value>(random, values)),
      );
      const constant = below(random, 3);
      const [a, b] = made.map((side, i) => operandOf(kind, width, side, constant === i + 1));
      const out = kernels.memory.allocate(rows + 1);
      for (const op of ['eq', 'ne', 'lt', 'le'] as const) {
        if (a === undefined || b === undefined) throw new Error('two operands');
        kernels.memory.u8.fill(0x55, out, out + rows + 1);
        k.compare(physical, Comparison[op], a, b, 0, out, { rows, selection: 0, selected: rows });
        const at = (side: number, row: number): Value => made[side]?.[constant === side + 1 ? 0 : row] ?? null;
        const expected = Array.from({ length: rows }, (_, row) => Number(HOLDS[op](at(0, row), at(1, row))));
        expect([...kernels.memory.u8.slice(out, out + rows + 1)], `${rows} rows, ${op}, constant ${constant}`).toEqual([
          ...expected,
          0x55,
        ]);
      }
    }
  },
);
