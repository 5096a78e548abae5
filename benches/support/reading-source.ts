/**
 * Columns that lie in memory as a source: copied batch by batch into the engine's memory, texts as bytes one behind the
 * other, as any columnar format has them. Laps over the same rows shift their time.
 */
import type { Json } from '../../src/base/json.ts';
import type { Poll, ReaderContext, SourceConnector, SplitReader } from '../../src/connector/source.ts';
import { BATCH_ROWS_MAX, type ColumnVector } from '../../src/data/record-batch.ts';
import type { TableSchema } from '../../src/data/schema.ts';
import type { LinearMemory } from '../../src/kernel/memory.ts';
import { BASE_TIME, lapMsOf, type NumericColumns, type RepeatingColumns, type Texts } from './readings.ts';

const WIDE = 2 ** 32;
/** Longest text here times the rows of a batch. */
const TEXT_BYTES = 32 * BATCH_ROWS_MAX;

/** Copies rows [from, from + rows) of one column to memory. */
interface Copied {
  copy(from: number, rows: number, lap: number): ColumnVector;
}

export interface ReadingSource {
  readonly schema: TableSchema;
  readonly rows: number;
  readonly laps: number;
  columns(memory: LinearMemory): readonly Copied[];
}

export function numericSource(schema: TableSchema, data: NumericColumns, laps: number): SourceConnector {
  const rows = data.at.length;
  const bits = Uint8Array.from({ length: (rows + 7) >> 3 }, (_, byte) => {
    let set = 0;
    for (let bit = 0; bit < 8; bit++) if (!Number.isNaN(data.scale[byte * 8 + bit] ?? 0)) set |= 1 << bit;
    return set;
  });
  const scale = data.scale.map((value) => (Number.isNaN(value) ? 0 : value));
  const counts = BigInt64Array.from(data.count, BigInt);
  return sourceOf({
    schema,
    rows,
    laps,
    columns: (memory) => [
      timeColumn(memory, data.at),
      plainColumn(memory, new Uint8Array(data.device.buffer), 4),
      plainColumn(memory, new Uint8Array(data.value.buffer), 8),
      plainColumn(memory, new Uint8Array(scale.buffer), 8, bits),
      plainColumn(memory, new Uint8Array(counts.buffer), 8),
    ],
  });
}

export function repeatingSource(schema: TableSchema, data: RepeatingColumns, laps: number): SourceConnector {
  const [sensor, unit, site] = [data.sensor, data.unit, data.site].map(bytesOf);
  if (sensor === undefined || unit === undefined || site === undefined) throw new Error('three columns of texts');
  return sourceOf({
    schema,
    rows: data.at.length,
    laps,
    columns: (memory) => [
      timeColumn(memory, data.at),
      textColumn(memory, sensor),
      textColumn(memory, unit),
      textColumn(memory, site),
      plainColumn(memory, new Uint8Array(data.value.buffer), 8),
    ],
  });
}

function timeColumn(memory: LinearMemory, at: Int32Array): Copied {
  const values = memory.allocate(BATCH_ROWS_MAX * 8);
  const lapMs = lapMsOf(at.length);
  return {
    copy(from, rows, lap) {
      const { i32 } = memory;
      const base = BASE_TIME + lap * lapMs;
      const high = Math.floor(base / WIDE);
      const low = base - high * WIDE;
      // All of a lap lies within one upper half.
      if (low + lapMs >= WIDE) throw new Error(`lap ${lap} is too late`);
      for (let row = 0, to = values >>> 2; row < rows; row++, to += 2) {
        i32[to] = low + (at[from + row] ?? 0);
        i32[to + 1] = high;
      }
      return { values, validity: 0 };
    },
  };
}

function plainColumn(memory: LinearMemory, bytes: Uint8Array, width: number, bits?: Uint8Array): Copied {
  const values = memory.allocate(BATCH_ROWS_MAX * width);
  const validity = bits === undefined ? 0 : memory.allocate(BATCH_ROWS_MAX >> 3);
  return {
    copy(from, rows) {
      memory.u8.set(bytes.subarray(from * width, (from + rows) * width), values);
      if (bits !== undefined) memory.u8.set(bits.subarray(from >> 3, (from + rows + 7) >> 3), validity);
      return { values, validity };
    },
  };
}

interface TextBytes {
  readonly bytes: Uint8Array;
  /** One more than there are rows. */
  readonly offsets: Uint32Array;
  readonly bits: Uint8Array | undefined;
}

function bytesOf({ distinct, index }: Texts): TextBytes {
  const texts = distinct.map((text) => Buffer.from(text));
  const offsets = new Uint32Array(index.length + 1);
  const bits = new Uint8Array((index.length + 7) >> 3);
  index.forEach((at, row) => {
    offsets[row + 1] = (offsets[row] ?? 0) + (texts[at]?.length ?? 0);
    if (at >= 0) bits[row >> 3] = (bits[row >> 3] ?? 0) | (1 << (row & 7));
  });
  const bytes = new Uint8Array(offsets.at(-1) ?? 0);
  index.forEach((at, row) => bytes.set(texts[at] ?? [], offsets[row]));
  return { bytes, offsets, bits: index.includes(-1) ? bits : undefined };
}

function textColumn(memory: LinearMemory, { bytes, offsets, bits }: TextBytes): Copied {
  const area = memory.allocate(TEXT_BYTES);
  const views = plainColumn(memory, new Uint8Array(0), 8, bits);
  return {
    copy(from, rows, lap) {
      const vector = views.copy(from, rows, lap);
      const first = offsets[from] ?? 0;
      memory.u8.set(bytes.subarray(first, offsets[from + rows]), area);
      const { u32 } = memory;
      for (let row = 0, to = vector.values >>> 2; row < rows; row++, to += 2) {
        const start = offsets[from + row] ?? 0;
        u32[to] = area + start - first;
        u32[to + 1] = (offsets[from + row + 1] ?? 0) - start;
      }
      return vector;
    },
  };
}

function sourceOf(source: ReadingSource): SourceConnector {
  return {
    schema: source.schema,
    live: false,
    quantum: 2 ** 40,
    splits: async () => [{ id: 'readings' }],
    open: async (_split, _offset, context) => new Readings(source, context),
  };
}

class Readings implements SplitReader {
  readonly #source: ReadingSource;
  readonly #columns: readonly Copied[];
  readonly #uid: string;
  position = 0;

  constructor(source: ReadingSource, { kernels, source: uid }: ReaderContext) {
    this.#source = source;
    this.#uid = uid;
    this.#columns = source.columns(kernels.memory);
  }

  poll(): Poll {
    const { rows: lapRows, laps, schema } = this.#source;
    const lap = Math.floor(this.position / lapRows);
    if (lap === laps) return 'end';
    const from = this.position - lap * lapRows;
    const rows = Math.min(BATCH_ROWS_MAX, lapRows - from);
    this.position += rows;
    const columns = this.#columns.map((column) => column.copy(from, rows, lap));
    const origin = { source: this.#uid, split: 0 };
    return { schema, rows, columns, selection: 0, selected: rows, rowKinds: 0, timestamps: 0, watermarks: 0, origin };
  }

  offset(): Json {
    return this.position;
  }

  async ready(): Promise<void> {}
  async close(): Promise<void> {}
}
