/** Watermarks by row, against a prefix maximum that is written down naively. */
import { beforeAll, describe, expect, test } from 'vitest';
import { below, type Random, seededRandom } from '../../../src/base/random.ts';
import { eventTimeMs, MIN_TIME } from '../../../src/base/time.ts';
import { tableSchema } from '../../../src/data/schema.ts';
import type { ColumnType } from '../../../src/data/types.ts';
import type { KernelInstance } from '../../../src/kernel/instance.ts';
import { SplitState, WatermarkKernels } from '../../../src/kernel/watermark.ts';
import { type OracleSplit, processingOrder } from '../../oracle/batch-engine.ts';
import { columnBatch } from '../../support/column-batch.ts';
import { newKernels } from '../../support/kernels.ts';
import { randomSelection } from '../../support/random-columns.ts';

const NO_WATERMARK = -(2n ** 63n);
const UNTOUCHED = 0x5a5a_5a5a_5a5a_5a5an;
const SEEDS = 400;

let kernels: KernelInstance;
beforeAll(async () => {
  kernels = await newKernels(16 << 20);
});

const floorDivide = (value: bigint, by: bigint): bigint => (value - (((value % by) + by) % by)) / by;
const most = (values: readonly bigint[]): bigint | undefined =>
  values.reduce<bigint | undefined>((max, value) => (max === undefined || value > max ? value : max), undefined);

/** Timestamps in the unit of the column, in ms when they are read: near zero, at either side of it, or today's. */
function randomTimestamps(random: Random, rows: number, unit: 'ms' | 'us'): (bigint | null)[] {
  const scale = unit === 'us' ? 1000n : 1n;
  const start = [0n, -5_000n, 1_700_000_000_000n][below(random, 3)] ?? 0n;
  const nulls = below(random, 2) === 0 ? 0 : 4;
  return Array.from({ length: rows }, (_, i) => {
    if (nulls > 0 && below(random, nulls) === 0) return null;
    return (start + BigInt(i * 3) - BigInt(below(random, 20))) * scale + BigInt(below(random, Number(scale)));
  });
}

interface Case {
  readonly type: ColumnType;
  readonly delayMs: number;
  readonly others: number;
  readonly batches: readonly {
    readonly values: readonly (bigint | null)[];
    readonly selection: readonly number[] | undefined;
  }[];
}

function randomCase(random: Random): Case {
  const unit = below(random, 2) === 0 ? 'us' : 'ms';
  return {
    type: { kind: 'timestamp', nullable: true, unit },
    delayMs: [0, 1, 25][below(random, 3)] ?? 0,
    others: [MIN_TIME, -4_990, 60, 1_700_000_000_050, Number.MAX_SAFE_INTEGER][below(random, 5)] ?? 0,
    batches: Array.from({ length: 1 + below(random, 3) }, () => {
      const rows = below(random, 40);
      return { values: randomTimestamps(random, rows, unit), selection: randomSelection(random, rows) };
    }),
  };
}

/** What each row of each batch is to carry: the watermark of all meant rows before it. */
function expectedOf({ type, delayMs, others, batches }: Case): {
  readonly watermarks: readonly bigint[][];
  readonly missing: readonly number[];
} {
  const seen: bigint[] = [];
  const missing: number[] = [];
  const watermarks = batches.map(({ values, selection }) => {
    const out = values.map(() => UNTOUCHED);
    const meant = selection ?? values.map((_, row) => row);
    for (const row of meant) {
      const max = most(seen);
      const own = max === undefined ? undefined : max - BigInt(delayMs) - 1n;
      out[row] = own === undefined ? NO_WATERMARK : own < BigInt(others) ? own : BigInt(others);
      const value = values[row] ?? null;
      if (value !== null) seen.push(floorDivide(value, type.unit === 'us' ? 1000n : 1n));
    }
    missing.push(meant.filter((row) => (values[row] ?? null) === null).length);
    return out;
  });
  return { watermarks, missing };
}

function assigned({ type, delayMs, others, batches }: Case): {
  readonly watermarks: bigint[][];
  readonly missing: number[];
  readonly max: number;
} {
  const doors = new WatermarkKernels(kernels);
  const schema = tableSchema([{ name: 'at', type }]);
  const state = new SplitState(kernels, { delayMs });
  const missing: number[] = [];
  const watermarks = batches.map(({ values, selection }) => {
    const batch = columnBatch(kernels, schema, [values], selection);
    const out = kernels.memory.allocate(values.length * 8 + 8);
    const words = kernels.memory.i64.subarray(out / 8, out / 8 + values.length).fill(UNTOUCHED);
    doors.assign(
      batch,
      batch.columns[0] ?? { values: 0, validity: 0 },
      state,
      { type, skewMs: undefined, others: eventTimeMs(others), floor: MIN_TIME },
      out,
    );
    missing.push(state.missing);
    return [...words];
  });
  return { watermarks, missing, max: state.max };
}

describe('the watermark before a row', () => {
  test('is the largest timestamp of the meant rows before it, less the delay and one, and never above the other splits', () => {
    for (let seed = 1; seed <= SEEDS; seed++) {
      kernels.reset();
      const made = randomCase(seededRandom(seed));
      const { watermarks, missing } = assigned(made);
      expect({ watermarks, missing }, `seed ${seed}`).toEqual(expectedOf(made));
    }
  });

  test('does not depend on where batches end', () => {
    for (let seed = 1; seed <= 100; seed++) {
      kernels.reset();
      const random = seededRandom(seed);
      const made = {
        ...randomCase(random),
        batches: [{ values: randomTimestamps(random, 60, 'ms'), selection: undefined }],
      };
      const { values } = made.batches[0] ?? { values: [] };
      const cut = below(random, values.length);
      const halves = [values.slice(0, cut), values.slice(cut)].map((part) => ({ values: part, selection: undefined }));
      const [whole, parts] = [assigned(made), assigned({ ...made, batches: halves })];
      expect(parts.watermarks.flat(), `seed ${seed}`).toEqual(whole.watermarks.flat());
      expect(parts.max, `seed ${seed}`).toBe(whole.max);
    }
  });

  test('is none before the first timestamp, also when others are far ahead', () => {
    kernels.reset();
    const type: ColumnType = { kind: 'timestamp', nullable: true };
    const batches = [{ values: [null, 0n, 5n], selection: undefined }];
    expect(assigned({ type, delayMs: 2, others: 1_000, batches })).toEqual({
      watermarks: [[NO_WATERMARK, NO_WATERMARK, -3n]],
      missing: [1],
      max: 5,
    });
  });
});

const SKEW_MS = 1_000;
const MS: ColumnType = { kind: 'timestamp', nullable: true };

/** Rows near each other, some far ahead, alone or several on end, and real jumps. */
function timesWithJumps(random: Random): (number | null)[] {
  let now = 50_000;
  return Array.from({ length: 5 + below(random, 80) }, () => {
    now += below(random, 30);
    const kind = below(random, 12);
    if (kind === 0) return now + SKEW_MS + 1 + below(random, 9_000);
    if (kind === 1) return null;
    if (kind === 2 && below(random, 4) === 0) now += 3 * SKEW_MS;
    if (kind === 3 && below(random, 3) === 0) return now - 2 * SKEW_MS;
    return now - below(random, 200);
  });
}

interface Guarded {
  readonly watermarks: bigint[];
  readonly kept: number[];
  readonly ahead: number[];
  readonly max: number;
}

function guarded(times: readonly (number | null)[], sizes: Random, withRestarts = false): Guarded {
  const doors = new WatermarkKernels(kernels);
  const schema = tableSchema([{ name: 'at', type: MS }]);
  let state = new SplitState(kernels, { delayMs: 25 });
  const found: { watermarks: bigint[]; kept: number[]; ahead: number[] } = { watermarks: [], kept: [], ahead: [] };
  const out = kernels.memory.allocate(times.length * 8);
  for (let from = 0; from < times.length; ) {
    const part = times.slice(from, from + 1 + below(sizes, 20));
    const batch = columnBatch(kernels, schema, [part.map((at) => (at === null ? null : BigInt(at)))]);
    const column = batch.columns[0] ?? { values: 0, validity: 0 };
    const settings = { type: MS, skewMs: SKEW_MS, others: eventTimeMs(1e15), floor: MIN_TIME };
    const isListed = doors.assign(batch, column, state, settings, out);
    const { u32, i64 } = kernels.memory;
    const listed = (ptr: number, count: number): number[] => [...u32.subarray(ptr / 4, ptr / 4 + count)];
    const present = part.flatMap((at, i) => (at === null ? [] : [i]));
    found.watermarks.push(...i64.subarray(out / 8, out / 8 + part.length));
    found.kept.push(...(isListed ? listed(doors.kept, state.kept) : present).map((i) => from + i));
    found.ahead.push(...(isListed ? listed(doors.ahead, state.ahead) : []).map((i) => from + i));
    from += part.length;
    if (!withRestarts) continue;
    const saved = JSON.parse(JSON.stringify(state.snapshot()));
    state = new SplitState(kernels, { delayMs: 25 });
    state.restore(saved);
  }
  return { ...found, max: state.max };
}

describe('rows from the future', () => {
  test('are those of the oracle, whatever the batches and restarts, and no other row has another watermark', () => {
    let [ahead, jumps] = [0, 0];
    for (let seed = 1; seed <= SEEDS; seed++) {
      kernels.reset();
      const times = timesWithJumps(seededRandom(seed));
      const found = guarded(times, seededRandom(seed + 1000), seed % 2 === 0);
      const present = times.flatMap((at, i) => (at === null ? [] : [{ at, i }]));
      const split: OracleSplit = { name: 'a', rows: present.map(({ at, i }) => ({ row: { at }, offset: i })) };
      const order = processingOrder([split], {
        schema: tableSchema([{ name: 'at', type: MS }]),
        timestamp: 'at',
        disorderMs: 25,
        window: { kind: 'tumbling', sizeMs: 1, offsetMs: 0 },
        keys: [],
        aggregates: [],
        where: [],
        skewMs: SKEW_MS,
      });
      const numbers = (isFuture: boolean): number[] =>
        order.flatMap((row, n) => (row.isFuture === isFuture ? [present[n]?.i ?? -1] : []));
      expect(found.ahead, `seed ${seed}`).toEqual(numbers(true));
      expect(found.kept, `seed ${seed}`).toEqual(numbers(false));
      const least = (watermark: number): bigint => (watermark === -Infinity ? NO_WATERMARK : BigInt(watermark));
      expect(
        present.map(({ i }) => found.watermarks[i]),
        `seed ${seed}`,
      ).toEqual(order.map(({ watermark }) => least(watermark)));
      ahead += found.ahead.length;
      jumps += found.max > 51_500 + SKEW_MS ? 1 : 0;
    }
    expect(ahead).toBeGreaterThan(500);
    expect(jumps).toBeGreaterThan(10);
  });

  test('move nothing, also as the first row of all; eight on end are a jump', () => {
    const honest = Array.from({ length: 20 }, (_, i) => 1000 + i);
    const year = 365 * 86_400_000;
    const first = guarded([year, ...honest], seededRandom(1));
    expect(first.max).toBe(1019);
    expect(first.watermarks.slice(0, 3)).toEqual([NO_WATERMARK, NO_WATERMARK, 1000n - 26n]);
    const middle = guarded([...honest, year, ...honest], seededRandom(2));
    expect([middle.ahead, middle.max]).toEqual([[20], 1019]);
    const jump = guarded([...honest, ...honest.map((at) => at + year)], seededRandom(3));
    expect(jump.ahead).toEqual([20, 21, 22, 23, 24, 25, 26]);
    expect(jump.max).toBe(year + 1019);
  });
});

describe('beside it', () => {
  test('microseconds become milliseconds rounded down, before 1970 too', () => {
    kernels.reset();
    const micros = [-1001n, -1000n, -999n, -1n, 0n, 999n, 1000n, 1_700_000_000_000_999n];
    const [from, to] = [kernels.memory.allocate(64), kernels.memory.allocate(64)];
    kernels.memory.i64.set(micros, from / 8);
    new WatermarkKernels(kernels).microsToMillis(from, micros.length, to);
    expect([...kernels.memory.i64.subarray(to / 8, to / 8 + micros.length)]).toEqual([
      -2n,
      -1n,
      -1n,
      -1n,
      0n,
      0n,
      1n,
      1_700_000_000_000n,
    ]);
  });

  test('a union holds each row back by its other inputs', () => {
    kernels.reset();
    const watermarks = [NO_WATERMARK, -7n, 99n, 100n, 101n];
    const [from, to] = [kernels.memory.allocate(64), kernels.memory.allocate(64)];
    kernels.memory.i64.set(watermarks, from / 8);
    new WatermarkKernels(kernels).clamp(from, watermarks.length, { floor: MIN_TIME, others: eventTimeMs(100) }, to);
    expect([...kernels.memory.i64.subarray(to / 8, to / 8 + 5)]).toEqual([NO_WATERMARK, -7n, 99n, 100n, 100n]);
  });

  test('the largest timestamp of a column is that of its rows that have one, and at least the floor', () => {
    for (let seed = 1; seed <= SEEDS; seed++) {
      kernels.reset();
      const random = seededRandom(seed);
      const unit = below(random, 2) === 0 ? 'us' : 'ms';
      const type: ColumnType = { kind: 'timestamp', nullable: true, unit };
      const values = randomTimestamps(random, below(random, 40), unit);
      const floor = [MIN_TIME, -5_000, 30][below(random, 3)] ?? 0;
      const millis = values.flatMap((value) =>
        value === null ? [] : [floorDivide(value, unit === 'us' ? 1000n : 1n)],
      );
      const batch = columnBatch(kernels, tableSchema([{ name: 'at', type }]), [values]);
      const column = batch.columns[0] ?? { values: 0, validity: 0 };
      const found = new WatermarkKernels(kernels).max(column, type, values.length, eventTimeMs(floor));
      expect(found, `seed ${seed}`).toBe(Number(most([...millis, BigInt(floor)])));
    }
  });
});
