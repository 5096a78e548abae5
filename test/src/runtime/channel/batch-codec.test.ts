import { beforeAll, describe, expect, test } from 'vitest';
import { below, type Random, seededRandom } from '../../../../src/base/random.ts';
import { BATCH_ROWS_MAX, type RecordBatch } from '../../../../src/data/record-batch.ts';
import { tableSchema } from '../../../../src/data/schema.ts';
import type { TypeKind } from '../../../../src/data/types.ts';
import type { KernelInstance } from '../../../../src/kernel/instance.ts';
import { BatchSerializer } from '../../../../src/runtime/channel/batch-codec.ts';
import { columnBatch, kernelInstance, readColumn, readSelection } from '../../../support/column-batch.ts';
import { pick, randomColumns, randomSelection } from '../../../support/random-columns.ts';

const KINDS: readonly TypeKind[] = ['bool', 'int32', 'int64', 'timestamp', 'float64', 'utf8', 'bytes', 'json'];

let kernels: KernelInstance;
beforeAll(async () => {
  kernels = await kernelInstance(64);
});

const randomSchema = (random: Random) =>
  tableSchema(
    Array.from({ length: below(random, 6) }, (_, i) => ({
      name: `c${i}`,
      type: { kind: pick(random, KINDS), nullable: below(random, 2) === 0 },
    })),
  );

/** A batch with, sometimes, a selection, row kinds, timestamps, watermarks that step, and an origin. */
function randomBatch(random: Random, schema = randomSchema(random), rows = below(random, 60)): RecordBatch {
  const { memory } = kernels;
  const batch = columnBatch(kernels, schema, randomColumns(random, schema, rows), randomSelection(random, rows));
  const rowKinds = below(random, 2) === 0 ? 0 : memory.allocate(rows + 1);
  const timestamps = below(random, 2) === 0 ? 0 : memory.allocate(rows * 8 + 8);
  const watermarks = below(random, 2) === 0 ? 0 : memory.allocate(rows * 8 + 8);
  let watermark = pick(random, [-(2n ** 63n), 0n]);
  for (let row = 0; row < rows; row++) {
    if (rowKinds !== 0) memory.u8[rowKinds + row] = below(random, 4);
    const timestamp = pick(random, [0n, -1n, -(2n ** 63n), 2n ** 63n - 1n, BigInt(random.u32())]);
    if (timestamps !== 0) memory.view.setBigInt64(timestamps + row * 8, timestamp, true);
    if (below(random, 5) === 0) watermark += BigInt(random.u32());
    if (watermarks !== 0) memory.view.setBigInt64(watermarks + row * 8, watermark, true);
  }
  const origin =
    below(random, 2) === 0 ? undefined : { source: pick(random, ['', 'flights', 'größe']), split: below(random, 9) };
  const meant = schema.fields.length === 0 ? { rows, selected: batch.selection === 0 ? rows : batch.selected } : {};
  return { ...batch, ...meant, rowKinds, timestamps, watermarks, origin };
}

/** All that a batch says, as plain values. */
function contents(batch: RecordBatch): unknown {
  const { memory } = kernels;
  const rows = readSelection(memory, batch.selection, batch.selected);
  const instants = (at: number): unknown =>
    at === 0 ? 'none' : rows.map((row) => memory.view.getBigInt64(at + row * 8, true));
  return {
    columns: batch.schema.fields.map(({ type }, i) =>
      readColumn(memory, type.kind, batch.columns[i] ?? { values: 0, validity: 0 }, rows),
    ),
    rows: rows.length,
    rowKinds: batch.rowKinds === 0 ? 'all inserts' : rows.map((row) => memory.u8[batch.rowKinds + row]),
    timestamps: instants(batch.timestamps),
    watermarks: instants(batch.watermarks),
    origin: batch.origin,
  };
}

describe('a batch in bytes', () => {
  test('comes back with its selected rows, nulls, row kinds, timestamps, watermarks and origin', () => {
    for (let seed = 1; seed <= 400; seed++) {
      const random = seededRandom(seed);
      kernels.reset();
      const batch = randomBatch(random);
      const before = contents(batch);
      const bytes = new BatchSerializer(kernels, batch.schema).encode(batch);
      const back = new BatchSerializer(kernels, batch.schema).tryDecode(bytes);
      expect(back, `seed ${seed}`).toBeDefined();
      if (back !== undefined) expect(contents(back), `seed ${seed}`).toEqual(before);
    }
  });

  test('is the same bytes for the same rows, whatever lay in null and unselected ones', () => {
    for (let seed = 1; seed <= 200; seed++) {
      const random = seededRandom(seed);
      kernels.reset();
      const batch = randomBatch(random);
      const serializer = new BatchSerializer(kernels, batch.schema);
      const bytes = serializer.encode(batch);
      const back = new BatchSerializer(kernels, batch.schema).tryDecode(bytes);
      expect(back, `seed ${seed}`).toBeDefined();
      if (back !== undefined) expect(serializer.encode(back), `seed ${seed}`).toEqual(bytes);
    }
  });

  test('writes a mark only where the watermark moves', () => {
    kernels.reset();
    const schema = tableSchema([{ name: 'n', type: { kind: 'int32', nullable: false } }]);
    const rows = 1000;
    const watermarks = kernels.memory.allocate(rows * 8);
    const batch = { ...columnBatch(kernels, schema, [Array.from({ length: rows }, (_, i) => BigInt(i))]), watermarks };
    const bytesWith = (moves: number): number => {
      for (let row = 0; row < rows; row++)
        kernels.memory.view.setBigInt64(watermarks + row * 8, BigInt(Math.min(row, moves)), true);
      return new BatchSerializer(kernels, schema).encode(batch).length;
    };
    expect(bytesWith(10) - bytesWith(0)).toBe(10 * 16);
  });

  test('that was damaged is refused or read as some batch, and never read outside its bytes', () => {
    let refused = 0;
    for (let seed = 1; seed <= 2500; seed++) {
      const random = seededRandom(seed);
      kernels.reset();
      const batch = randomBatch(random);
      const serializer = new BatchSerializer(kernels, batch.schema);
      const bytes = damage(random, serializer.encode(batch));
      const back = serializer.tryDecode(bytes);
      if (back === undefined) refused++;
      // Reads every row: a view that left the bytes would show here.
      else expect(() => contents(back), `seed ${seed}`).not.toThrow();
      if (back !== undefined) expect(viewsStayInside(back, bytes.length), `seed ${seed}`).toBe(true);
    }
    expect(refused).toBeGreaterThan(500);
  });

  test('is refused when it is cut short anywhere', () => {
    kernels.reset();
    const random = seededRandom(7);
    const schema = tableSchema([
      { name: 'a', type: { kind: 'utf8', nullable: true } },
      { name: 'b', type: { kind: 'bool', nullable: false } },
    ]);
    const serializer = new BatchSerializer(kernels, schema);
    const bytes = serializer.encode(randomBatch(random, schema, 20));
    for (let length = 0; length < bytes.length; length++) {
      const cut = bytes.slice(0, length);
      if (length >= 12) new DataView(cut.buffer).setUint32(8, length, true);
      expect(serializer.tryDecode(cut), `cut to ${length}`).toBeUndefined();
    }
  });

  test('is refused with another schema, another version or more rows than a batch may have', () => {
    kernels.reset();
    const int = tableSchema([{ name: 'a', type: { kind: 'int32', nullable: false } }]);
    const float = tableSchema([{ name: 'a', type: { kind: 'float64', nullable: false } }]);
    const bytes = new BatchSerializer(kernels, int).encode(columnBatch(kernels, int, [[1n, 2n]]));
    expect(new BatchSerializer(kernels, float).tryDecode(bytes)).toBeUndefined();
    expect(new BatchSerializer(kernels, tableSchema([])).tryDecode(bytes)).toBeUndefined();
    const other = (offset: number, value: number): Uint8Array => {
      const copy = bytes.slice();
      new DataView(copy.buffer).setUint32(offset, value, true);
      return copy;
    };
    expect(new BatchSerializer(kernels, int).tryDecode(other(4, 1))).toBeUndefined();
    expect(new BatchSerializer(kernels, int).tryDecode(other(12, BATCH_ROWS_MAX + 1))).toBeUndefined();
    expect(new BatchSerializer(kernels, int).tryDecode(bytes)).toBeDefined();
  });
});

/** Flips bytes, cuts, extends or writes extreme words. */
function damage(random: Random, bytes: Uint8Array): Uint8Array {
  const copy = bytes.slice();
  const view = new DataView(copy.buffer);
  for (let k = 0; k <= below(random, 3); k++) {
    if (below(random, 2) === 0) copy[below(random, copy.length)] = random.u32() & 255;
    else
      view.setUint32(
        below(random, copy.length / 4) * 4,
        pick(random, [0, 1, 2, 0xffffffff, 0x7fffffff, 0x80000000, copy.length]),
        true,
      );
  }
  return below(random, 5) === 0 ? copy.slice(0, below(random, copy.length + 1)) : copy;
}

/** Whether every view points into one run of `length` bytes. */
function viewsStayInside(batch: RecordBatch, length: number): boolean {
  const { view } = kernels.memory;
  let low = Number.POSITIVE_INFINITY;
  let high = 0;
  batch.schema.fields.forEach(({ type }, i) => {
    if (type.kind !== 'utf8' && type.kind !== 'bytes' && type.kind !== 'json') return;
    for (let row = 0; row < batch.rows; row++) {
      const at = (batch.columns[i]?.values ?? 0) + row * 8;
      low = Math.min(low, view.getUint32(at, true));
      high = Math.max(high, view.getUint32(at, true) + view.getUint32(at + 4, true));
    }
  });
  return high === 0 || high - low <= length;
}
