/**
 * Result rows to lines of JSON: the kernel against the same encoder without kernels, which writes bytes from typed arrays, and
 * against JSON.stringify of objects. All sides must make the same text.
 */
import { kernelsBase64 } from '#kernels';
import { below, seededRandom } from '../../src/base/random.ts';
import { BATCH_ROWS_MAX, type RecordBatch } from '../../src/data/record-batch.ts';
import { tableSchema } from '../../src/data/schema.ts';
import { BatchBuilder } from '../../src/format/batch-builder.ts';
import { NdjsonEncoder } from '../../src/format/ndjson-encoder.ts';
import { KernelInstance } from '../../src/kernel/instance.ts';
import { compileKernels } from '../../src/kernel/module.ts';
import { type Bench, type BenchOptions, type BenchResult, compare } from '../bench.ts';

const REPEATS = 20;
const START_MS = 1_767_225_600_000;
const schema = tableSchema([
  { name: 'channel', type: { kind: 'utf8', nullable: false } },
  { name: 'windowStart', type: { kind: 'timestamp', nullable: false } },
  { name: 'windowEnd', type: { kind: 'timestamp', nullable: false } },
  { name: 'bids', type: { kind: 'int64', nullable: false } },
  { name: 'total', type: { kind: 'int64', nullable: false } },
  { name: 'highest', type: { kind: 'int64', nullable: false } },
]);

interface ResultRow {
  readonly [column: string]: string | number;
}

function makeRows(): readonly ResultRow[] {
  const random = seededRandom(3);
  return Array.from({ length: BATCH_ROWS_MAX }, () => ({
    channel: `channel-${below(random, 10_000)}`,
    windowStart: START_MS,
    windowEnd: START_MS + 10_000,
    bids: 1 + below(random, 20),
    total: below(random, 1_000_000_000),
    highest: below(random, 100_000_000),
  }));
}

const isoOf = (ms: string | number | undefined): string => new Date(ms ?? 0).toISOString();

function stringify(rows: readonly ResultRow[]): string {
  let text = '';
  for (const row of rows)
    text += `${JSON.stringify({ ...row, windowStart: isoOf(row['windowStart']), windowEnd: isoOf(row['windowEnd']) })}\n`;
  return text;
}

function byEncoder(encoder: NdjsonEncoder, batch: RecordBatch): string {
  for (let i = 1; i < REPEATS; i++) {
    encoder.encode(batch);
    encoder.take();
  }
  encoder.encode(batch);
  return new TextDecoder().decode(encoder.take());
}

async function run({ short }: BenchOptions): Promise<BenchResult> {
  const kernels = new KernelInstance(await compileKernels(kernelsBase64), 64 << 20);
  const rows = makeRows();
  const builder = new BatchBuilder(kernels, schema, rows.length);
  for (const row of rows) builder.append(row);
  const batch = builder.finish();
  const [kernel, plain] = [
    new NdjsonEncoder(kernels.memory, schema, { kernels }),
    new NdjsonEncoder(kernels.memory, schema),
  ];
  const ours = (): string => byEncoder(kernel, batch);
  const rounds = { rounds: short ? 3 : 15, warmup: 3 };
  const toWriter = await compare({ ours, peer: () => byEncoder(plain, batch) }, rounds);
  const toStringify = await compare(
    {
      ours,
      peer: () => {
        for (let i = 1; i < REPEATS; i++) stringify(rows);
        return stringify(rows);
      },
    },
    rounds,
  );
  const done = rows.length * REPEATS;
  return {
    figures: { toWriter: toWriter.ratio, toStringify: toStringify.ratio, nsPerRow: (toWriter.oursMs * 1e6) / done },
    spread: { toWriter: toWriter.spread, toStringify: toStringify.spread },
    counters: { rows: done, bytes: ours().length },
  };
}

export const bench: Bench = {
  id: 'ndjson-encode',
  title: 'kernel: result rows to NDJSON, against the same in JavaScript and JSON.stringify',
  targets: {},
  run,
};
