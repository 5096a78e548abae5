/**
 * Watermarks by row for batches out of order: timestamps in milliseconds, in microseconds, and with nulls in a selection;
 * against the same loop over typed arrays in JavaScript, where instants are doubles. Every watermark is digested.
 */
import { kernelsBase64 } from '#kernels';
import { below, seededRandom } from '../../src/base/random.ts';
import { MAX_TIME, MIN_TIME } from '../../src/base/time.ts';
import { BATCH_ROWS_MAX, type RecordBatch } from '../../src/data/record-batch.ts';
import { tableSchema } from '../../src/data/schema.ts';
import type { ColumnType } from '../../src/data/types.ts';
import { KernelInstance } from '../../src/kernel/instance.ts';
import { compileKernels } from '../../src/kernel/module.ts';
import { SplitState, WatermarkKernels } from '../../src/kernel/watermark.ts';
import { type Bench, type BenchOptions, type BenchResult, compare } from '../bench.ts';

const ROWS = BATCH_ROWS_MAX;
const BATCHES = 16;
const DELAY_MS = 5_000;
const SKEW_MS = 31 * 86_400_000;
const START_MS = 1_700_000_000_000;
/** Before the first row there is no watermark: the kernel's is the smallest i64, whose low word is 0. */
const NO_WATERMARK = 0;

interface Input {
  readonly type: ColumnType;
  readonly batches: readonly RecordBatch[];
  /** The same for JavaScript: instants as doubles, 1 where there is one, and the rows meant. */
  readonly plain: readonly {
    readonly values: Float64Array;
    readonly present: Uint8Array;
    readonly selection: Uint32Array | undefined;
  }[];
  readonly meant: number;
}

function makeInput(kernels: KernelInstance, unit: 'ms' | 'us', sparse: boolean): Input {
  const random = seededRandom(1);
  const scale = unit === 'us' ? 1000 : 1;
  const type: ColumnType = { kind: 'timestamp', nullable: sparse, unit };
  const plain = Array.from({ length: BATCHES }, (_, batch) => {
    const instant = (_row: number, i: number): number =>
      (START_MS + (batch * ROWS + i) * 10 - below(random, 8_000)) * scale + below(random, scale);
    const rows = Array.from({ length: ROWS }, (_row, i) => i).filter(() => !sparse || below(random, 3) > 0);
    return {
      values: new Float64Array(ROWS).map(instant),
      present: new Uint8Array(ROWS).map(() => (sparse && below(random, 10) === 0 ? 0 : 1)),
      selection: sparse ? Uint32Array.from(rows) : undefined,
    };
  });
  const batches = plain.map((one) => batchOf(kernels, type, one));
  return { type, batches, plain, meant: batches.reduce((sum, { selected }) => sum + selected, 0) };
}

function batchOf(
  { memory }: KernelInstance,
  type: ColumnType,
  { values, present, selection }: Input['plain'][number],
): RecordBatch {
  const at = memory.allocate(ROWS * 8);
  memory.i64.set(Array.from(values, BigInt), at / 8);
  const validity = type.nullable ? memory.allocate(ROWS / 8) : 0;
  if (validity !== 0) {
    for (let byte = 0; byte < ROWS / 8; byte++) {
      memory.u8[validity + byte] = present
        .subarray(byte * 8, byte * 8 + 8)
        .reduce((bits, bit, i) => bits | (bit << i), 0);
    }
  }
  const chosen = selection === undefined ? 0 : memory.allocate(selection.length * 4);
  if (selection !== undefined) memory.u32.set(selection, chosen / 4);
  return {
    schema: tableSchema([{ name: 'at', type }]),
    rows: ROWS,
    columns: [{ values: at, validity }],
    selection: chosen,
    selected: selection?.length ?? ROWS,
    rowKinds: 0,
    timestamps: 0,
    watermarks: 0,
    origin: undefined,
  };
}

/** What a person would write over typed arrays; the low words of the watermarks go to `out`. */
function plainLoop({ type, plain }: Input, out: Float64Array, seen: (batch: number) => void): void {
  const divisor = type.unit === 'us' ? 1000 : 1;
  let most = Number.NEGATIVE_INFINITY;
  plain.forEach(({ values, present, selection }, batch) => {
    const count = selection?.length ?? ROWS;
    for (let k = 0; k < count; k++) {
      const row = selection === undefined ? k : (selection[k] ?? 0);
      out[row] = most === Number.NEGATIVE_INFINITY ? NO_WATERMARK : most - DELAY_MS - 1;
      if (present[row] === 0) continue;
      const at = Math.floor((values[row] ?? 0) / divisor);
      if (at > most) most = at;
    }
    seen(batch);
  });
}

function kernelLoop(
  doors: WatermarkKernels,
  state: SplitState,
  { type, batches }: Input,
  out: number,
  seen: (batch: number) => void,
): void {
  state.restore({});
  batches.forEach((batch, i) => {
    const [column = { values: 0, validity: 0 }] = batch.columns;
    doors.assign(batch, column, state, { type, skewMs: SKEW_MS, others: MAX_TIME, floor: MIN_TIME }, out);
    seen(i);
  });
}

/** Over the low words of the watermarks of the rows meant. */
function digestOf(hash: number, selection: Uint32Array | undefined, lowWord: (row: number) => number): number {
  let digest = hash;
  const count = selection?.length ?? ROWS;
  for (let k = 0; k < count; k++) digest = (Math.imul(digest, 31) + lowWord(selection?.[k] ?? k)) | 0;
  return digest;
}

async function contest(
  input: Input,
  kernels: KernelInstance,
  { short }: BenchOptions,
): Promise<{ readonly ratio: number; readonly spread: number; readonly rowsPerMs: number }> {
  const doors = new WatermarkKernels(kernels);
  const state = new SplitState(kernels, { delayMs: DELAY_MS });
  const ptr = kernels.memory.allocate(ROWS * 8);
  const repeats = short ? 2 : 40;
  const nothing = (): void => undefined;
  const ours = (): string => {
    for (let i = 1; i < repeats; i++) kernelLoop(doors, state, input, ptr, nothing);
    let hash = 0;
    kernelLoop(doors, state, input, ptr, (batch) => {
      const words = kernels.memory.i32;
      hash = digestOf(hash, input.plain[batch]?.selection, (row) => words[ptr / 4 + row * 2] ?? 0);
    });
    return String(hash);
  };
  const out = new Float64Array(ROWS);
  const peer = (): string => {
    for (let i = 1; i < repeats; i++) plainLoop(input, out, nothing);
    let hash = 0;
    plainLoop(input, out, (batch) => {
      hash = digestOf(hash, input.plain[batch]?.selection, (row) => (out[row] ?? 0) | 0);
    });
    return String(hash);
  };
  const { ratio, spread, oursMs } = await compare({ ours, peer }, { rounds: short ? 2 : 15 });
  return { ratio, spread, rowsPerMs: Math.round((input.meant * repeats) / oursMs) };
}

export const bench: Bench = {
  id: 'watermark',
  title: 'watermarks by row, against typed arrays in JavaScript',
  targets: { millis: { atLeast: 1 }, micros: { atLeast: 1 }, sparse: { atLeast: 1 } },
  async run(options): Promise<BenchResult> {
    const kernels = new KernelInstance(await compileKernels(kernelsBase64), 64 << 20);
    const inputs = {
      millis: makeInput(kernels, 'ms', false),
      micros: makeInput(kernels, 'us', false),
      sparse: makeInput(kernels, 'ms', true),
    };
    const figures: Record<string, number> = {};
    const spread: Record<string, number> = {};
    const counters: Record<string, number> = {};
    for (const [name, input] of Object.entries(inputs)) {
      const result = await contest(input, kernels, options);
      figures[name] = result.ratio;
      spread[name] = result.spread;
      counters[`${name}RowsPerMs`] = result.rowsPerMs;
      counters[`${name}Rows`] = input.meant;
    }
    return { figures, spread, counters };
  },
};
