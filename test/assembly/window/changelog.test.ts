/** Aggregation without windows against a map that is changed row by row. */
import { expect, test } from 'vitest';
import { below, type Random, seededRandom } from '../../../src/base/random.ts';
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

interface Taken {
  readonly key: bigint;
  readonly amount: bigint | null;
  readonly weight: number;
  readonly flag: boolean;
}

/** Results from the definition, over all rows that a group has. */
function resultsOf(rows: readonly Taken[]): readonly unknown[] {
  const amounts = rows.flatMap(({ amount }) => amount ?? []);
  const total = amounts.reduce((sum, amount) => sum + amount, 0n);
  const weights = rows.map(({ weight }) => weight);
  const load = weights.reduce((sum, weight) => sum + weight, 0);
  const mean = load / rows.length;
  const squares = weights.reduce((sum, weight) => sum + (weight - mean) ** 2, 0);
  return [
    BigInt(rows.length),
    amounts.length === 0 ? null : total,
    amounts.length === 0 ? null : Number(total) / amounts.length,
    load,
    rows.length < 2 ? null : squares / (rows.length - 1),
    rows.some(({ flag }) => flag) ? 1n : 0n,
    rows.every(({ flag }) => flag) ? 1n : 0n,
  ];
}

const RETRACTING = [
  specOf({ name: 'n', fn: 'count', input: undefined, nullable: false }),
  specOf({ name: 'total', fn: 'sum', input: Physical.I64, nullable: true }),
  specOf({ name: 'mean', fn: 'avg', input: Physical.I64, nullable: true }),
  specOf({ name: 'load', fn: 'sum', input: Physical.F64, nullable: false }),
  specOf({ name: 'spread', fn: 'variance', input: Physical.F64, nullable: false }),
  specOf({ name: 'some', fn: 'any', input: Physical.BOOL, nullable: false }),
  specOf({ name: 'every', fn: 'all', input: Physical.BOOL, nullable: false }),
];

const newRow = (random: Random, keys: number): Taken => ({
  // Neighbouring keys in one segment, so that removing entries moves others.
  key: BigInt(below(random, keys)),
  amount: below(random, 3) === 0 ? null : BigInt(below(random, 2)) * 2n ** 40n - 50n,
  weight: below(random, 1000) / 8,
  flag: below(random, 4) !== 0,
});

test('rows that are taken back leave what the others give, and with the last of a key its group goes', async () => {
  for (let seed = 1; seed <= 6; seed++) {
    const random = seededRandom(seed);
    const kernels = await newKernels();
    const arena = new Arena(kernels, 32 << 20);
    const { memory } = kernels;
    const aggregate = new ChangelogAggregate(
      kernels,
      { state: 4, key: Physical.I64, aggregates: RETRACTING },
      2 + below(random, 700),
    );
    const column = (validity: boolean): { values: number; validity: number } => ({
      values: memory.allocate(ROWS * 8),
      validity: validity ? memory.allocate(ROWS / 8 + 1) : 0,
    });
    const [key, amount, weight, flag] = [column(false), column(true), column(false), column(false)];
    const rowKinds = memory.allocate(ROWS);
    memory.u8.fill(0, amount.validity, amount.validity + ROWS / 8 + 1);
    const groups = new Map<bigint, Taken[]>();
    const expected: unknown[] = [];
    const keys = 1 + below(random, 600);
    for (let i = 0; i < ROWS; i++) {
      const held = [...groups.values()];
      const back = held.length > 0 && below(random, 100) < 48 ? held[below(random, held.length)] : undefined;
      const at = back === undefined ? 0 : below(random, back.length);
      const row = back?.[at] ?? newRow(random, keys);
      const group = groups.get(row.key) ?? [];
      const before = resultsOf(group);
      if (back === undefined) groups.set(row.key, [...group, row]);
      else if (back.length === 1) groups.delete(row.key);
      else groups.set(row.key, back.toSpliced(at, 1));
      const after = groups.get(row.key);
      if (group.length > 0) expected.push([after === undefined ? 3 : 1, row.key, ...before]);
      if (after !== undefined) expected.push([group.length > 0 ? 2 : 0, row.key, ...resultsOf(after)]);
      memory.u8[rowKinds + i] = back === undefined ? ([0, 2][below(random, 2)] ?? 0) : ([1, 3][below(random, 2)] ?? 1);
      memory.i64[(key.values >>> 3) + i] = row.key;
      memory.i64[(amount.values >>> 3) + i] = row.amount ?? 999n;
      if (row.amount !== null)
        memory.u8[amount.validity + (i >>> 3)] = (memory.u8[amount.validity + (i >>> 3)] ?? 0) | (1 << (i & 7));
      memory.f64[(weight.values >>> 3) + i] = row.weight;
      memory.u8[flag.values + i] = Number(row.flag);
    }
    const columns = [undefined, amount, amount, weight, weight, flag, flag];
    const filters = columns.map(() => 0);
    const input = { selected: ROWS, selection: 0, key, columns, filters, rowKinds };
    let found = 0;
    for (let at = 0; at < ROWS; ) {
      at = aggregate.add(input, at);
      for (let i = 0; i < aggregate.rows; i++) {
        const got = [
          memory.u8[aggregate.output.rowKinds + i],
          memory.i64[((aggregate.output.key?.values ?? 0) >>> 3) + i],
          ...aggregate.output.results.map((result, a) => readResult(kernels, result, a, i)),
        ];
        const same = (expected[found] as unknown[]).every((value, c) =>
          c < 5 || typeof value !== 'number' ? value === got[c] : Math.abs(value - Number(got[c])) < 1e-6,
        );
        if (!same) expect(got, `seed ${seed}, row ${found}`).toEqual(expected[found]);
        found++;
      }
    }
    expect(found, `seed ${seed}`).toBe(expected.length);
    expect(arena.stateEntries(4), `entries, seed ${seed}`).toBe(groups.size);
    expect(arena.countsHold(4), `counts, seed ${seed}`).toBe(true);
  }
});

function readResult(
  { memory }: KernelInstance,
  { values, validity }: { readonly values: number; readonly validity: number },
  aggregate: number,
  row: number,
): unknown {
  if (validity !== 0 && ((memory.u8[validity + (row >>> 3)] ?? 0) & (1 << (row & 7))) === 0) return null;
  if (aggregate >= 5) return BigInt(memory.u8[values + row] ?? 0);
  return aggregate < 2 ? memory.i64[(values >>> 3) + row] : memory.f64[(values >>> 3) + row];
}

/** By IEEE 754, over all values that a group has. */
function sumOf(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0);
}

function varianceOf(values: readonly number[]): number | null {
  if (values.length < 2) return null;
  const mean = sumOf(values) / values.length;
  return values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (values.length - 1);
}

const FLOATS = [
  ...(['sum', 'avg', 'variance', 'stddev'] as const).map((fn) =>
    specOf({ name: fn, fn, input: Physical.F64, nullable: fn === 'avg' }),
  ),
].map((spec) => ({ ...spec, takesBack: true }));

test('a NaN or an infinity that is taken back leaves the sum, the average and the variance of the others', async () => {
  const special = [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for (let seed = 1; seed <= 20; seed++) {
    const random = seededRandom(seed);
    const kernels = await newKernels();
    new Arena(kernels, 8 << 20);
    const { memory } = kernels;
    const aggregate = new ChangelogAggregate(kernels, { state: 4, key: undefined, aggregates: FLOATS }, 64);
    const rows = 400;
    const column = { values: memory.allocate(rows * 8), validity: 0 };
    const rowKinds = memory.allocate(rows);
    const held: number[] = [];
    const expected: (readonly unknown[])[] = [];
    for (let i = 0; i < rows; i++) {
      const back = held.length > 1 && below(random, 2) === 0;
      const value = back
        ? (held.splice(below(random, held.length), 1)[0] ?? 0)
        : (special[below(random, 9)] ?? below(random, 1000) / 8);
      if (!back) held.push(value);
      memory.u8[rowKinds + i] = back ? 3 : 0;
      memory.f64[(column.values >>> 3) + i] = value;
      const variance = varianceOf(held);
      const sum = sumOf(held);
      expected.push([sum, sum / held.length, variance, variance === null ? null : Math.sqrt(variance)]);
    }
    const columns = FLOATS.map(() => column);
    const input = { selected: rows, selection: 0, key: undefined, columns, filters: columns.map(() => 0), rowKinds };
    const found: unknown[][] = [];
    for (let at = 0; at < rows; ) {
      at = aggregate.add(input, at);
      for (let row = 0; row < aggregate.rows; row++) {
        if (memory.u8[aggregate.output.rowKinds + row] === 1) continue;
        found.push(aggregate.output.results.map((result) => readResult(kernels, result, 3, row)));
      }
    }
    expect(found.length).toBe(rows);
    found.forEach((results, row) =>
      results.forEach((result, a) => {
        const [value, at] = [expected[row]?.[a], `seed ${seed}, row ${row}, ${FLOATS[a]?.name}`];
        if (typeof value === 'number' && Number.isFinite(value)) expect(result, at).toBeCloseTo(value, 6);
        else expect(result, at).toBe(value);
      }),
    );
  }
});

test('a row that is taken back from a group without rows is refused', async () => {
  const kernels = await newKernels();
  new Arena(kernels, 8 << 20);
  const aggregate = newAggregate(kernels, false, 16);
  const column = { values: kernels.memory.allocate(64), validity: 0 };
  const rowKinds = kernels.memory.allocate(8);
  kernels.memory.u8[rowKinds] = 1;
  const input = { selected: 1, selection: 0, key: column, columns: [undefined, column, column], filters: [0, 0, 0] };
  expect(() => aggregate.add({ ...input, rowKinds }, 0)).toThrow('no changelog of the rows');
});
