/**
 * Conditions and projections against the loops over typed arrays (and arrays of strings) that one would write by hand.
 * Each round times both sides, one after the other, on the same rows; the figure is the median of the rounds' ratios.
 */
import { kernelsBase64 } from '#kernels';
import { type Bench, type BenchOptions, type BenchResult, quantile, spreadOf } from '../bench.ts';
import { below, type Random, seededRandom, uniform } from '../../src/base/random.ts';
import { BATCH_ROWS_MAX, type RecordBatch } from '../../src/data/record-batch.ts';
import { tableSchema } from '../../src/data/schema.ts';
import type { ColumnType } from '../../src/data/types.ts';
import { KernelInstance } from '../../src/kernel/instance.ts';
import { compileKernels } from '../../src/kernel/module.ts';
import type { Expression } from '../../src/plan/expression.ts';
import { Condition, Projection } from '../../src/runtime/expression.ts';

const ROWS = BATCH_ROWS_MAX;
/** Different batches, so many that no branch predictor learns them by heart. */
const BATCHES = 30;
const REPEATS = 10;
const ROUNDS = 15;
const CHANNELS = [
  'apple',
  'google',
  'facebook',
  'baidu',
  'channel-4711',
  'channel-4712',
  'a somewhat longer channel name',
];

const INT: ColumnType = { kind: 'int32', nullable: false };
const LONG: ColumnType = { kind: 'int64', nullable: false };
const FLOAT: ColumnType = { kind: 'float64', nullable: false };
const TEXT: ColumnType = { kind: 'utf8', nullable: false };
const BOOL: ColumnType = { kind: 'bool', nullable: false };
const schema = tableSchema([
  { name: 'count', type: INT },
  { name: 'bidder', type: LONG },
  { name: 'price', type: FLOAT },
  { name: 'rate', type: FLOAT },
  { name: 'channel', type: TEXT },
]);
const column = (name: string, type: ColumnType): Expression => ({ op: 'column', name, type });
const literal = (value: string | number, type: ColumnType): Expression => ({ op: 'literal', value, type });
const compare = (op: 'gt' | 'lt' | 'eq', name: string, type: ColumnType, value: string | number): Expression => ({
  op,
  left: column(name, type),
  right: literal(value, type),
  type: BOOL,
});
const product: Expression = { op: 'times', left: column('price', FLOAT), right: column('rate', FLOAT), type: FLOAT };

/** The rows, as columns and as JavaScript has them. */
interface Input {
  readonly batch: RecordBatch;
  readonly count: Int32Array;
  readonly bidder: BigInt64Array;
  readonly price: Float64Array;
  readonly rate: Float64Array;
  readonly channel: readonly string[];
}

interface Contest {
  readonly name: string;
  /** All batches; a number that depends on the result. */
  readonly kernel: () => number;
  readonly plain: () => number;
}

function makeInput(kernels: KernelInstance, random: Random): Input {
  const { memory } = kernels;
  const fill = <T>(make: () => T): T[] => Array.from({ length: ROWS }, make);
  // Through JSON, as texts get into JavaScript: each row's is its own string.
  const channel: readonly string[] = JSON.parse(
    JSON.stringify(fill(() => CHANNELS[below(random, CHANNELS.length)] ?? '')),
  );
  const count = Int32Array.from(fill(() => below(random, 1000)));
  const bidder = BigInt64Array.from(fill(() => BigInt(below(random, 1000))));
  const [price, rate] = [
    Float64Array.from(fill(() => uniform(random) * 1000)),
    Float64Array.from(fill(() => uniform(random))),
  ];
  const columns = [count, bidder, price, rate].map((values) => {
    const at = memory.allocate(values.byteLength);
    memory.u8.set(new Uint8Array(values.buffer), at);
    return { values: at, validity: 0 };
  });
  const views = memory.allocate(ROWS * 8);
  let at = memory.allocate(ROWS * 32);
  channel.forEach((text, row) => {
    const { written } = new TextEncoder().encodeInto(text, memory.u8.subarray(at, at + 32));
    memory.u32.set([at, written], views / 4 + row * 2);
    at += written;
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
    origin: undefined,
  };
  return { batch, count, bidder, price, rate, channel };
}

/**
 * A loop that keeps the row numbers for which `holds` is true: compiled from text, so that each is its own code, as if
 * written out.
 */
function loop(inputs: readonly Input[], holds: string): () => number {
  const make = new Function(
    'inputs',
    'into',
    `return () => {
    let all = 0;
    for (const { count, bidder, price, rate, channel } of inputs) {
      let taken = 0;
      for (let row = 0; row < ${ROWS}; row++) if (${holds}) into[taken++] = row;
      all += taken;
    }
    return all;
  };`,
  );
  // The text above makes such a function.
  return make(inputs, new Uint32Array(ROWS)) as () => number;
}

function filterContest(kernels: KernelInstance, inputs: readonly Input[], [name, expression, holds]: Filter): Contest {
  const condition = new Condition(kernels, schema, expression, name);
  const kernel = (): number => inputs.reduce((all, { batch }) => all + condition.filter(batch).selected, 0);
  return { name, kernel, plain: loop(inputs, holds) };
}

function productContest(kernels: KernelInstance, inputs: readonly Input[]): Contest {
  const projection = new Projection(kernels, schema, [product], 'product');
  const made = new Float64Array(ROWS);
  const last = ROWS - 1;
  return {
    name: 'product',
    kernel: () =>
      inputs.reduce(
        (all, { batch }) =>
          all + (kernels.memory.f64[(projection.project(batch).columns[0]?.values ?? 0) / 8 + last] ?? 0),
        0,
      ),
    plain: () => {
      let all = 0;
      for (const { price, rate } of inputs) {
        for (let row = 0; row < ROWS; row++) made[row] = (price[row] ?? 0) * (rate[row] ?? 0);
        all += made[last] ?? 0;
      }
      return all;
    },
  };
}

/** Name, condition, and the condition as one writes it in JavaScript. */
type Filter = readonly [name: string, expression: Expression, plain: string];

const FILTERS: readonly Filter[] = [
  ['float64', compare('gt', 'price', FLOAT, 500), 'price[row] > 500'],
  ['int32', compare('lt', 'count', INT, 100), 'count[row] < 100'],
  ['int64', compare('lt', 'bidder', LONG, 100), 'bidder[row] < 100n'],
  [
    'and',
    { op: 'and', left: compare('gt', 'price', FLOAT, 500), right: compare('lt', 'count', INT, 500), type: BOOL },
    'price[row] > 500 && count[row] < 500',
  ],
  ['computed', { op: 'gt', left: product, right: literal(250, FLOAT), type: BOOL }, 'price[row] * rate[row] > 250'],
  ['textEquals', compare('eq', 'channel', TEXT, 'channel-4711'), "channel[row] === 'channel-4711'"],
  [
    'textLike',
    { op: 'call', name: 'like', arguments: [column('channel', TEXT), literal('%nel-%', TEXT)], type: BOOL },
    "channel[row].includes('nel-')",
  ],
];

/** Milliseconds of REPEATS calls. */
function time(work: () => number): number {
  const start = performance.now();
  for (let i = 0; i < REPEATS; i++) work();
  return performance.now() - start;
}

async function run({ short }: BenchOptions): Promise<BenchResult> {
  const kernels = new KernelInstance(await compileKernels(kernelsBase64), 64 << 20);
  const figures: Record<string, number> = {};
  const spread: Record<string, number> = {};
  const counters: Record<string, number> = {};
  const random = seededRandom(1);
  const inputs = Array.from({ length: BATCHES }, () => makeInput(kernels, random));
  const contests = [
    ...FILTERS.map((filter) => filterContest(kernels, inputs, filter)),
    productContest(kernels, inputs),
  ];
  for (const { name, kernel, plain } of contests) {
    if (kernel() !== plain()) throw new Error(`${name}: ${kernel()} by kernels, ${plain()} by hand`);
    time(kernel);
    time(plain);
    const rounds = Array.from({ length: short ? 3 : ROUNDS }, () => ({ kernel: time(kernel), plain: time(plain) }));
    const ratios = rounds.map((round) => round.plain / round.kernel);
    figures[name] = quantile(ratios, 0.5);
    spread[name] = spreadOf(ratios);
    counters[`${name}RowsPerMs`] = Math.round(
      (ROWS * BATCHES * REPEATS)
        / quantile(
          rounds.map((round) => round.kernel),
          0.5,
        ),
    );
  }
  return { figures, spread, counters };
}

export const bench: Bench = {
  id: 'expression',
  title: 'kernel: conditions and projections against loops over typed arrays',
  targets: {},
  run,
};
