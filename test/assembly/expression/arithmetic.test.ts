import { beforeAll, expect, test } from 'vitest';
import { below, seededRandom } from '../../../src/base/random.ts';
import { Physical } from '../../../src/data/types.ts';
import { Arithmetic, ExpressionKernels } from '../../../src/kernel/expression.ts';
import type { KernelInstance } from '../../../src/kernel/instance.ts';
import { columnOf, kernelInstance, readColumn } from '../../support/column-batch.ts';

let kernels: KernelInstance;
beforeAll(async () => {
  kernels = await kernelInstance(16);
});

const exact = {
  plus: (x: bigint, y: bigint) => x + y,
  minus: (x: bigint, y: bigint) => x - y,
  times: (x: bigint, y: bigint) => x * y,
};
const CASES = [
  { kind: 'int32', bits: 32, physical: Physical.I32, width: 4 },
  { kind: 'int64', bits: 64, physical: Physical.I64, width: 8 },
] as const;

test.each(CASES)(
  'one overflowing row among tame ones is found by $kind arithmetic, and no other',
  ({ kind, bits, physical, width }) => {
    const k = new ExpressionKernels(kernels);
    const [low, high] = [-(2n ** BigInt(bits - 1)), 2n ** BigInt(bits - 1) - 1n];
    const edges = [
      [low, 1n],
      [low, -1n],
      [high, 1n],
      [high, -1n],
      [1n, low],
      [-1n, low],
      [0n, low],
      [high, high],
      [low, low],
      [2n, 3n],
    ] as const;
    for (const [seed, edge] of edges.entries()) {
      for (const op of ['plus', 'minus', 'times'] as const) {
        kernels.reset();
        const random = seededRandom(seed);
        const tame = (): bigint => BigInt(below(random, 2000) - 1000);
        const rows = 13;
        const [left, right] = [1, 2].map(() => Array.from({ length: rows }, tame));
        if (left === undefined || right === undefined) throw new Error('two sides');
        const at = below(random, rows);
        [left[at], right[at]] = edge;
        const [a, b] = [left, right].map((side) => ({
          ...columnOf(kernels.memory, kind, side),
          step: width,
          errors: 0,
        }));
        if (a === undefined || b === undefined) throw new Error('two operands');
        const out = kernels.memory.allocate(rows * width);
        const errors = kernels.memory.allocate(rows);
        const wanted = left.map((x, row) => exact[op](x, right[row] ?? 0n));
        const overflows = wanted.map((value) => value < low || value > high);
        const where = `${edge} ${op} in row ${at}`;
        expect(k.arithmetic(physical, Arithmetic[op], a, b, out, rows), where).toBe(overflows.includes(true));
        const made = readColumn(
          kernels.memory,
          kind,
          { values: out, validity: 0 },
          wanted.map((_, row) => row),
        );
        expect(made, where).toEqual(wanted.map((value) => BigInt.asIntN(bits, value)));
        k.arithmeticErrors(physical, Arithmetic[op], a, b, 0, errors, rows);
        expect([...kernels.memory.u8.slice(errors, errors + rows)], where).toEqual(overflows.map(Number));
      }
    }
  },
);
