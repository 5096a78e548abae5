/**
 * Batches to bytes and back, and composite keys, against the same written by hand: typed arrays copied one after the
 * other, strings through TextEncoder and TextDecoder, keys as joined text. Median of the rounds' ratios.
 */
import { kernelsBase64 } from '#kernels';
import { type Bench, type BenchOptions, type BenchResult, quantile, spreadOf } from '../bench.ts';
import { below, seededRandom, uniform } from '../../src/base/random.ts';
import { BATCH_ROWS_MAX, type RecordBatch } from '../../src/data/record-batch.ts';
import { tableSchema } from '../../src/data/schema.ts';
import { KernelInstance } from '../../src/kernel/instance.ts';
import { compileKernels } from '../../src/kernel/module.ts';
import { RowCodec } from '../../src/kernel/row-codec.ts';
import { BatchSerializer } from '../../src/runtime/channel/batch-codec.ts';

const ROWS = BATCH_ROWS_MAX;
const REPEATS = 40;
const ROUNDS = 15;
const schema = tableSchema([
  { name: 'bidder', type: { kind: 'int32', nullable: false } },
  { name: 'price', type: { kind: 'float64', nullable: false } },
  { name: 'channel', type: { kind: 'utf8', nullable: false } },
]);
const keySchema = tableSchema(schema.fields.filter(({ name }) => name !== 'price'));

interface Input {
  readonly batch: RecordBatch;
  readonly bidder: Int32Array;
  readonly price: Float64Array;
  readonly channel: readonly string[];
}

function makeInput(kernels: KernelInstance): Input {
  const random = seededRandom(2);
  const { memory } = kernels;
  const bidder = Int32Array.from({ length: ROWS }, () => below(random, 100_000));
  const price = Float64Array.from({ length: ROWS }, () => uniform(random) * 1000);
  const channel = Array.from({ length: ROWS }, () => `channel-${below(random, 10_000)}`);
  const columns = [bidder, price].map((values) => {
    const at = memory.allocate(values.byteLength);
    memory.u8.set(new Uint8Array(values.buffer), at);
    return { values: at, validity: 0 };
  });
  const views = memory.allocate(ROWS * 8);
  const text = memory.allocate(ROWS * 16);
  let end = text;
  channel.forEach((name, row) => {
    const { written } = new TextEncoder().encodeInto(name, memory.u8.subarray(end, end + 16));
    memory.u32.set([end, written], views / 4 + row * 2);
    end += written;
  });
  const batch: RecordBatch = {
    schema,
    rows: ROWS,
    columns: [...columns, { values: views, validity: 0 }],
    selection: 0,
    selected: ROWS,
    rowKinds: 0,
    timestamps: 0,
    watermarks: 0,
    origin: { source: 'bids', split: 0 },
  };
  return { batch, bidder, price, channel };
}

/** Two typed arrays, lengths and text, one after the other. */
function encodePlain({ bidder, price, channel }: Input): Uint8Array {
  const out = new Uint8Array(ROWS * (4 + 8 + 4 + 16));
  out.set(new Uint8Array(bidder.buffer), 0);
  out.set(new Uint8Array(price.buffer), ROWS * 4);
  const lengths = new Uint32Array(out.buffer, ROWS * 12, ROWS);
  const encoder = new TextEncoder();
  let end = ROWS * 16;
  for (let row = 0; row < ROWS; row++) {
    const { written } = encoder.encodeInto(channel[row] ?? '', out.subarray(end));
    lengths[row] = written;
    end += written;
  }
  return out.slice(0, end);
}

/** Columns again; the texts are made, since rows in JavaScript are nothing without them. */
function decodePlain(bytes: Uint8Array): number {
  const bidder = new Int32Array(bytes.buffer.slice(0, ROWS * 4));
  const price = new Float64Array(bytes.buffer.slice(ROWS * 4, ROWS * 12));
  const lengths = new Uint32Array(bytes.buffer, ROWS * 12, ROWS);
  const decoder = new TextDecoder();
  const channel: string[] = [];
  let at = ROWS * 16;
  for (const length of lengths) {
    channel.push(decoder.decode(bytes.subarray(at, at + length)));
    at += length;
  }
  return bidder.length + price.length + channel.length;
}

function keysPlain({ bidder, channel }: Input): number {
  let length = 0;
  for (let row = 0; row < ROWS; row++) length += JSON.stringify([bidder[row], channel[row]]).length;
  return length;
}

function time(work: () => unknown): number {
  const start = performance.now();
  for (let i = 0; i < REPEATS; i++) work();
  return performance.now() - start;
}

async function run({ short }: BenchOptions): Promise<BenchResult> {
  const kernels = new KernelInstance(await compileKernels(kernelsBase64), 64 << 20);
  const input = makeInput(kernels);
  const [writer, reader] = [new BatchSerializer(kernels, schema), new BatchSerializer(kernels, schema)];
  const keys = new RowCodec(kernels, keySchema, 'keys');
  const bytes = writer.encode(input.batch);
  const plainBytes = encodePlain(input);
  const keyColumns = input.batch.columns.filter((_, i) => i !== 1);
  if (reader.tryDecode(bytes)?.rows !== ROWS) throw new Error('the batch did not come back');
  const contests = {
    encode: { kernel: () => writer.encode(input.batch), plain: () => encodePlain(input) },
    decode: { kernel: () => reader.tryDecode(bytes), plain: () => decodePlain(plainBytes) },
    keys: { kernel: () => keys.encode(keyColumns, input.batch), plain: () => keysPlain(input) },
  };
  const figures: Record<string, number> = {};
  const spread: Record<string, number> = {};
  const counters: Record<string, number> = { bytes: bytes.length };
  for (const [name, { kernel, plain }] of Object.entries(contests)) {
    time(kernel);
    time(plain);
    const rounds = Array.from({ length: short ? 3 : ROUNDS }, () => ({ kernel: time(kernel), plain: time(plain) }));
    const ratios = rounds.map((round) => round.plain / round.kernel);
    figures[name] = quantile(ratios, 0.5);
    spread[name] = spreadOf(ratios);
    counters[`${name}RowsPerMs`] = Math.round(
      (ROWS * REPEATS)
        / quantile(
          rounds.map((round) => round.kernel),
          0.5,
        ),
    );
  }
  return { figures, spread, counters };
}

export const bench: Bench = {
  id: 'batch-codec',
  title: 'kernel: batches and keys to bytes and back, against the same by hand',
  targets: {},
  run,
};
