/** Aggregation without windows against a map that is changed row by row. */
import { expect, test } from 'vitest';
import { below, seededRandom } from '../../../src/base/random.ts';
import { Physical } from '../../../src/data/types.ts';
import { Arena } from '../../../src/kernel/arena.ts';
import { ChangelogAggregate } from '../../../src/kernel/changelog-aggregate.ts';
import type { KernelInstance } from '../../../src/kernel/instance.ts';
import { newKernels } from '../../support/kernels.ts';
import { specOf } from '../../support/aggregate-specs.ts';

const ROWS = 3000;

const newAggregate = (kernels: KernelInstance, withText: boolean, outputRows: number): ChangelogAggregate =>
  new ChangelogAggregate(
    kernels,
    {
      state: 4,
      key: withText ? Physical.VIEW : Physical.I64,
      aggregates: [
        specOf({ name: 'n', fn: 'count', input: undefined, nullable: false }),
        specOf({ name: 'total', fn: 'sum', input: Physical.I64, nullable: true }),
        specOf({ name: 'least', fn: 'min', input: Physical.F64, nullable: false }),
      ],
    },
    outputRows,
  );

test('emits an insert for the first row of a key, then the result before and after every row, in any batches', async () => {
  for (let seed = 1; seed <= 4; seed++) {
    const random = seededRandom(seed);
    const kernels = await newKernels();
    const arena = new Arena(kernels, 32 << 20);
    const withText = seed % 2 === 0;
    const outputRows = 2 + below(random, 700);
    const aggregate = newAggregate(kernels, withText, outputRows);
    const { memory } = kernels;
    const key = { values: memory.allocate(ROWS * 8), validity: 0 };
    const total = { values: memory.allocate(ROWS * 8), validity: memory.allocate(ROWS / 8 + 1) };
    const least = { values: memory.allocate(ROWS * 8), validity: 0 };
    const text = memory.allocate(ROWS * 32);
    const groups = new Map<string, { n: bigint; total: bigint | null; least: number }>();
    const expected: unknown[] = [];
    for (let i = 0; i < ROWS; i++) {
      const k = below(random, 1500);
      const name = withText ? `${'x'.repeat(k % 23)}${k}` : String(k);
      const amount = below(random, 3) === 0 ? null : BigInt(below(random, 100)) - 50n;
      const value = below(random, 1000) / 8;
      if (withText) {
        memory.u8.set(new TextEncoder().encode(name), text + i * 32);
        memory.u32.set([text + i * 32, name.length], (key.values >>> 2) + i * 2);
      } else {
        memory.i64[(key.values >>> 3) + i] = BigInt(k);
      }
      memory.i64[(total.values >>> 3) + i] = amount ?? 999n;
      if (amount !== null)
        memory.u8[total.validity + (i >>> 3)] = (memory.u8[total.validity + (i >>> 3)] ?? 0) | (1 << (i & 7));
      memory.f64[(least.values >>> 3) + i] = value;
      const group = groups.get(name);
      if (group !== undefined) expected.push([1, name, group.n, group.total, group.least]);
      const next = {
        n: (group?.n ?? 0n) + 1n,
        least: Math.min(group?.least ?? Infinity, value),
        total: amount === null ? (group?.total ?? null) : (group?.total ?? 0n) + amount,
      };
      groups.set(name, next);
      expected.push([group === undefined ? 0 : 2, name, next.n, next.total, next.least]);
    }
    const found: unknown[] = [];
    const input = { selected: ROWS, selection: 0, key, columns: [undefined, total, least], filters: [0, 0, 0] };
    for (let at = 0; at < ROWS; ) {
      at = aggregate.add(input, at);
      expect(aggregate.status).toBe('done');
      const [n, sum, min] = aggregate.output.results;
      for (let i = 0; i < aggregate.rows; i++) {
        const keyAt = aggregate.output.key?.values ?? 0;
        const ptr = memory.u32[(keyAt >>> 2) + i * 2] ?? 0;
        const name = withText
          ? new TextDecoder().decode(memory.u8.slice(ptr, ptr + (memory.u32[(keyAt >>> 2) + i * 2 + 1] ?? 0)))
          : String(memory.i64[(keyAt >>> 3) + i]);
        const hasSum = (((memory.u8[(sum?.validity ?? 0) + (i >>> 3)] ?? 0) >>> (i & 7)) & 1) === 1;
        found.push([
          memory.u8[aggregate.output.rowKinds + i],
          name,
          memory.i64[((n?.values ?? 0) >>> 3) + i],
          hasSum ? memory.i64[((sum?.values ?? 0) >>> 3) + i] : null,
          memory.f64[((min?.values ?? 0) >>> 3) + i],
        ]);
      }
    }
    expect(found, `seed ${seed}`).toEqual(expected);
    expect(arena.stateEntries(4), `entries, seed ${seed}`).toBe(groups.size);
    expect(arena.countsHold(4), `counts, seed ${seed}`).toBe(true);
    arena.clear(4);
    expect(arena.usedBytes(), `bytes at the end, seed ${seed}`).toBe(0);
  }
});
