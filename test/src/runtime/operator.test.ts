/** The contract of operators (operator.ts), of every operator that there is, made by its maker from a user's program. */
import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { eventTimeMs, MAX_TIME, processingTimeMs } from '../../../src/base/time.ts';
import type { BatchOrigin } from '../../../src/data/record-batch.ts';
import { BatchBuilder } from '../../../src/format/batch-builder.ts';
import {
  boundedOutOfOrderness,
  collect,
  collection,
  count,
  countWindow,
  defineAggregate,
  eventTime,
  from,
  int32,
  int64,
  schema,
  session,
  type Sink,
  timestamp,
  tumbling,
} from '../../../src/index.ts';
import type { KernelInstance } from '../../../src/kernel/instance.ts';
import { imbalance } from '../../../src/metrics/ledger.ts';
import { everyPart, eventTimeHook, physicalPlanOf, tableOf } from '../../../src/platform.ts';
import type { Job } from '../../../src/api/job.ts';
import type { PhysicalNode, PhysicalOperator } from '../../../src/plan/physical.ts';
import { Edge } from '../../../src/runtime/edge.ts';
import { makeAggregation, makeWindow, type Parts, part } from '../../../src/runtime/makers/parts.ts';
import type { NodeOf, Site } from '../../../src/runtime/makers/site.ts';
import type { Operator } from '../../../src/runtime/operator.ts';
import { AssignWatermarks } from '../../../src/runtime/operators/assign-watermarks.ts';
import { SinkOperator } from '../../../src/runtime/operators/sink.ts';
import type { TaskOperator } from '../../../src/runtime/task.ts';
import { StateArena } from '../../../src/state/arena.ts';
import { microtasks, VirtualClock } from '../../../src/testing/virtual-clock.ts';
import { newKernels } from '../../support/kernels.ts';

const Row = schema({ at: timestamp(), k: int32(), n: int64() });
const ROUNDS = 4;
const BATCH_ROWS = 600;
const PORTS = 5;
const SPLITS: readonly BatchOrigin[] = [0, 1].map((split) => ({ source: 'rows', split }));

const rows = (uid = 'rows') => from(collection(Row, []), { uid });
const timed = (uid?: string) => rows(uid).watermark('at', boundedOutOfOrderness('5 ms'), { futureSkew: 'off' });
const howMany = defineAggregate({
  input: int64(),
  accumulator: int32(),
  result: int32(),
  create: () => 0,
  add: (held) => held + 1,
  merge: (held, other) => held + other,
  finish: (held) => held,
});
const changes = (): Sink<'inserts, updates and deletes'> => collect({ changelog: true });

interface Kind {
  /** Its file under operators/. */
  readonly file: string;
  readonly kind: PhysicalOperator['kind'];
  readonly job: () => Job;
  /** Hands on what concerns single splits, and where batches are of. */
  readonly tellsSplits: boolean;
}

const below = (job: () => Job, file: string, kind: Kind['kind']): Kind => ({ file, kind, job, tellsSplits: false });
const beside = (job: () => Job, file: string, kind: Kind['kind']): Kind => ({ file, kind, job, tellsSplits: true });

const KINDS: { readonly [name: string]: Kind } = {
  'a condition': beside(
    () =>
      timed()
        .where(({ n }) => n.ge(3))
        .to(collect()),
    'filter',
    'filter',
  ),
  'other columns': beside(
    () =>
      timed()
        .add(({ n }) => ({ twice: n.times(2) }))
        .to(collect()),
    'project',
    'project',
  ),
  branches: beside(
    () =>
      timed()
        .split({ few: ({ n }) => n.lt(3) })
        .otherwise.to(collect()),
    'split',
    'split',
  ),
  'a filter': beside(
    () =>
      timed()
        .filter(({ n }) => n > 3)
        .to(collect()),
    'user-function',
    'function',
  ),
  'a map': beside(
    () =>
      timed()
        .map((row) => row, { out: Row })
        .to(collect()),
    'user-function',
    'function',
  ),
  'a flatMap': beside(
    () =>
      timed()
        .flatMap((row) => Array.from({ length: 20 }, () => row), { out: Row })
        .to(collect()),
    'user-function',
    'function',
  ),
  'a union': beside(() => timed().union(timed('more')).to(collect()), 'union', 'union'),
  'a watermark': below(() => timed().to(collect()), 'assign-watermarks', 'watermark'),
  'an asynchronous function': below(
    () =>
      timed()
        .mapAsync(async (row) => ({ ...row }), { out: Row })
        .to(collect()),
    'async-function',
    'async',
  ),
  'a function with state': below(
    () =>
      timed()
        .keyBy('k')
        .process(
          {
            timers: ['later'],
            row: (row, { timers, emit }) => {
              timers.eventTime(row.at.plus('50 ms'), 'later');
              emit(row);
            },
            timer: ({ emit }) => emit({ at: eventTime(new Date(0)), k: 0, n: 0 }),
          },
          { out: Row },
        )
        .to(collect()),
    'process',
    'process',
  ),
  'two streams connected': below(
    () =>
      timed()
        .keyBy('k')
        .connect(timed('more').keyBy('k'))
        .process({ left: (row, { emit }) => emit(row), right: (row, { emit }) => emit(row) }, { out: Row })
        .to(collect()),
    'process',
    'process',
  ),
  'first rows by event time': below(
    () => timed().keyBy('k').deduplicate({ keep: 'first', order: 'event time' }).to(collect()),
    'deduplicate',
    'deduplicate',
  ),
  'last rows': below(
    () => timed().keyBy('k').deduplicate({ keep: 'last', order: 'arrival' }).to(changes()),
    'deduplicate',
    'deduplicate',
  ),
  'rows in order': below(() => timed().keyBy('k').reorder({ maxWait: '20 ms' }).to(collect()), 'reorder', 'reorder'),
  windows: below(
    () => timed().keyBy('k').window(tumbling('20 ms')).aggregate({ n: count() }).to(collect()),
    'window-aggregate',
    'windowAggregate',
  ),
  sessions: below(
    () => timed().keyBy('k').window(session('4 ms')).aggregate({ n: count() }).to(collect()),
    'session-window',
    'windowAggregate',
  ),
  'windows of rows': below(
    () => timed().keyBy('k').window(countWindow(3)).aggregate({ n: count() }).to(collect()),
    'general-window',
    'windowAggregate',
  ),
  'an aggregate': below(() => timed().keyBy('k').aggregate({ n: count() }).to(changes()), 'aggregate', 'aggregate'),
  'a defined aggregate': below(
    () =>
      timed()
        .keyBy('k')
        .aggregate({ n: howMany('n') })
        .to(changes()),
    'general-aggregate',
    'aggregate',
  ),
  'a sink': below(() => timed().to(collect()), 'sink', 'sink'),
};

type Seen =
  | { readonly kind: 'batch'; readonly origin: BatchOrigin | undefined }
  | { readonly kind: 'watermark'; readonly watermark: number }
  | { readonly kind: 'idle' | 'active' | 'end'; readonly split: BatchOrigin | undefined };

/** What comes out of a port. */
class Probe implements Operator {
  readonly uid = 'probe';
  readonly hearsSplits = true;
  readonly more = false;
  seen: Seen[] = [];

  processBatch({ origin }: { readonly origin?: BatchOrigin | undefined }): void {
    this.seen.push({ kind: 'batch', origin });
  }
  processWatermark(watermark: number): void {
    this.seen.push({ kind: 'watermark', watermark });
  }
  processStatus(status: 'idle' | 'active', _input: number, split?: BatchOrigin): void {
    this.seen.push({ kind: status, split });
  }
  endOfInput(_input: number, split?: BatchOrigin): void {
    this.seen.push({ kind: 'end', split });
  }
  resume(): void {}
  snapshot(): null {
    return null;
  }
  restore(): void {}
}

function siteOf<K extends Exclude<PhysicalOperator['kind'], never>>(
  { uid }: PhysicalNode,
  node: NodeOf<K>,
  kernels: KernelInstance,
  port: (port: number) => Edge,
): Site<K> {
  const clock = new VirtualClock();
  const arena = new StateArena(kernels, 8 << 20);
  const now = () => processingTimeMs(0);
  return { uid, node, kernels, arena, clock, now, timestamp: eventTimeHook, port, deadLetter: () => undefined };
}

function make(
  at: PhysicalNode,
  kernels: KernelInstance,
  parts: Partial<Parts>,
  port: (n: number) => Edge,
): TaskOperator {
  const { operator } = at;
  const site = <K extends PhysicalOperator['kind']>(node: NodeOf<K>): Site<K> => siteOf(at, node, kernels, port);
  switch (operator.kind) {
    case 'filter':
      return part(parts, 'expressions').makeFilter(site(operator));
    case 'project':
      return part(parts, 'expressions').makeProject(site(operator));
    case 'split':
      return part(parts, 'expressions').makeSplit(site(operator));
    case 'function':
      return part(parts, 'functions').makeFunction(site(operator));
    case 'union':
      return part(parts, 'unions').makeUnion(site(operator));
    case 'async':
      return part(parts, 'asyncFunctions').makeAsync(site(operator));
    case 'process':
      return part(parts, 'processFunctions').makeProcess(site(operator));
    case 'deduplicate':
      return part(parts, 'rowOrder').makeDeduplicate(site(operator));
    case 'reorder':
      return part(parts, 'rowOrder').makeReorder(site(operator));
    case 'windowAggregate':
      return makeWindow(site(operator), parts);
    case 'aggregate':
      return makeAggregation(site(operator), parts);
    case 'watermark':
      return new AssignWatermarks({
        uid: at.uid,
        kernels,
        output: port(0),
        future: port(1),
        column: 0,
        type: { kind: 'timestamp', nullable: false },
        rule: { delayMs: 5 },
        skewMs: undefined,
        splits: ['0', '1'],
        splitOf: ({ split }) => split,
        deadLetter: () => undefined,
      });
    default:
      return new SinkOperator(at.uid, { write: () => undefined } as unknown as SinkOperator['writer']); // Nothing else is asked.
  }
}

/** An operator with a probe at each of its ports; each call of it is followed by what it has still to make. */
class Bench {
  readonly operator: TaskOperator;
  readonly inputs: number;
  readonly probes = Array.from({ length: PORTS }, () => new Probe());
  readonly story: Seen[][] = this.probes.map(() => []);
  readonly #edges = this.probes.map((probe) => {
    const edge = new Edge();
    edge.connect({ operator: probe, input: 0 });
    return edge;
  });
  readonly #builder: BatchBuilder;
  readonly #kernels: KernelInstance;

  constructor(kernels: KernelInstance, node: PhysicalNode, parts: Partial<Parts>) {
    this.#kernels = kernels;
    this.operator = make(node, kernels, parts, (port) => this.#edges[port] ?? new Edge());
    this.inputs = node.inputs.length;
    this.#builder = new BatchBuilder(kernels, tableOf(Row, 'rows'), BATCH_ROWS);
  }

  static async of({ job, kind }: Kind): Promise<Bench> {
    const plan = physicalPlanOf(job(), 'test');
    const node = plan.nodes.find(({ operator }) => operator.kind === kind);
    if (node === undefined) throw new Error(`no ${kind}`);
    return new Bench(await newKernels(), node, await everyPart(new Set()));
  }

  /** Rows of one split from a time on, each with its watermark. */
  async batch(input: number, origin: BatchOrigin, from: number): Promise<void> {
    const builder = this.#builder;
    builder.reset();
    for (let i = 0; i < BATCH_ROWS; i++) builder.append({ at: from + (i % 80), k: i % 7, n: i % 5 });
    const made = builder.finish(origin);
    const { memory } = this.#kernels;
    const watermarks = memory.allocate(BATCH_ROWS * 8);
    memory.i64.fill(BigInt(from - 51), watermarks >>> 3, (watermarks >>> 3) + BATCH_ROWS);
    const batch = { ...made, timestamps: made.columns[0]?.values ?? 0, watermarks };
    await this.call((operator) => operator.processBatch(batch, input));
  }

  async call(call: (operator: TaskOperator) => void): Promise<void> {
    this.#once(() => call(this.operator));
    for (let calls = 0; this.operator.more || (this.operator.waiting ?? 'none') !== 'none'; calls++) {
      if (calls > 20_000) throw new Error('it never comes to an end');
      if (this.operator.more) this.#once(() => this.operator.resume());
      else await microtasks();
    }
  }

  #once(call: () => void): void {
    for (const probe of this.probes) probe.seen = [];
    call();
    this.probes.forEach(({ seen }, port) => {
      expect(seen.filter(({ kind }) => kind !== 'active').length, `elements at port ${port}`).toBeLessThanOrEqual(1);
      if (seen.length > 1) expect(seen[0]?.kind).toBe('active');
      this.story[port]?.push(...seen);
    });
  }
}

const MS_OF_ROUND = 100;

/** Rounds of rows of both splits on every input, with watermarks between. */
async function feed(bench: Bench, onBatch: (origin: BatchOrigin) => void): Promise<void> {
  for (let round = 0; round < ROUNDS; round++) {
    for (let input = 0; input < bench.inputs; input++) {
      for (const origin of SPLITS) {
        const before = bench.story[0]?.length ?? 0;
        await bench.batch(input, origin, round * MS_OF_ROUND);
        if (bench.story[0]?.slice(before).some(({ kind }) => kind === 'batch') === true) onBatch(origin);
      }
    }
    for (let input = 0; input < bench.inputs; input++)
      await bench.call((operator) => operator.processWatermark(eventTimeMs(round * MS_OF_ROUND + 50), input));
    expect(imbalance(bench.operator.ledger), `ledger of round ${round}`).toBe(0);
  }
}

/** Silence of all inputs, the one that is behind last, then rows again. */
async function silence(bench: Bench): Promise<void> {
  const { inputs } = bench;
  for (let input = 0; input < inputs; input++)
    await bench.call((operator) => operator.processWatermark(eventTimeMs(ROUNDS * MS_OF_ROUND - input), input));
  for (let input = 0; input < inputs; input++) await bench.call((operator) => operator.processStatus('idle', input));
}

async function finish(bench: Bench): Promise<void> {
  for (let input = 0; input < bench.inputs; input++) {
    expect(bench.story[0]?.some((seen) => seen.kind === 'end' && seen.split === undefined)).toBe(false);
    if (bench.operator.hearsSplits === true)
      for (const split of SPLITS) await bench.call((operator) => operator.endOfInput(input, split));
    await bench.call((operator) => operator.processWatermark(MAX_TIME, input));
    await bench.call((operator) => operator.endOfInput(input));
  }
}

const watermarksOf = (story: readonly Seen[]): readonly number[] =>
  story.flatMap((seen) => (seen.kind === 'watermark' ? [seen.watermark] : []));
const ofSplits = (story: readonly Seen[]): readonly Seen[] =>
  story.filter((seen) => 'split' in seen && seen.split !== undefined);

test('every operator stands in this table', () => {
  const folder = new URL('../../../src/runtime/operators/', import.meta.url);
  const files = readdirSync(folder).filter(
    (name) => readFileSync(new URL(name, folder), 'utf8').match(/ implements (Operator|AnswersLater)/) !== null,
  );
  expect([...new Set(Object.values(KINDS).map(({ file }) => `${file}.ts`))].sort()).toEqual(files.sort());
});

describe.each(Object.entries(KINDS))('%s', (name, kind) => {
  test('hands on what concerns single splits, and whose rows are, or never speaks of them', async () => {
    const bench = await Bench.of(kind);
    const { operator } = bench;
    expect(operator.hearsSplits === true).toBe(kind.tellsSplits || kind.kind === 'watermark');
    const origins: BatchOrigin[] = [];
    await feed(bench, (origin) => origins.push(origin));
    if (!kind.tellsSplits) {
      const edge = new Edge();
      edge.connect({ operator, input: 0 });
      for (const split of SPLITS) {
        await bench.call(() => edge.status('idle', split));
        await bench.call(() => edge.status('active', split));
        await bench.call(() => edge.end(split));
      }
      expect(bench.story.flatMap(ofSplits)).toEqual([]);
      return;
    }
    const batches = (bench.story[0] ?? []).flatMap((seen) => (seen.kind === 'batch' ? [seen.origin] : []));
    expect(batches.filter((origin, i) => origin !== batches[i - 1])).toEqual(
      origins.filter((o, i) => o !== origins[i - 1]),
    );
    const before = bench.story[0]?.length ?? 0;
    const [split] = SPLITS;
    for (const status of ['idle', 'active'] as const) await bench.call(() => operator.processStatus(status, 0, split));
    await bench.call(() => operator.endOfInput(0, split));
    expect(bench.story[0]?.slice(before)).toEqual(['idle', 'active', 'end'].map((what) => ({ kind: what, split })));
  });

  test('never goes back in time, is silent behind its watermark, and ends once, with nothing left to account for', async () => {
    const bench = await Bench.of(kind);
    await feed(bench, () => undefined);
    await silence(bench);
    const [story = []] = bench.story;
    if (kind.kind !== 'watermark' && kind.kind !== 'sink') {
      expect(story.at(-1)).toEqual({ kind: 'idle', split: undefined });
      expect(story.findLast((seen) => seen.kind !== 'idle')?.kind).toBe('watermark');
      for (let input = 0; input < bench.inputs; input++)
        await bench.call(({ processStatus }) => processStatus.call(bench.operator, 'active', input));
    }
    await finish(bench);
    for (const port of bench.story) {
      const watermarks = watermarksOf(port);
      expect(watermarks).toEqual([...watermarks].sort((a, b) => a - b));
    }
    if (kind.kind !== 'sink') {
      expect(watermarksOf(story).at(-1)).toBe(MAX_TIME);
      expect(story.at(-1)).toEqual({ kind: 'end', split: undefined });
      expect(story.filter((seen) => seen.kind === 'end' && seen.split === undefined)).toHaveLength(1);
    }
    const { ledger, keepsRows } = bench.operator;
    expect(imbalance(ledger)).toBe(0);
    expect(ledger.held === 0 || keepsRows === true, `${name} holds ${ledger.held} rows`).toBe(true);
  });

  test('takes back from JSON what it wrote', async () => {
    const bench = await Bench.of(kind);
    await feed(bench, () => undefined);
    const snapshot = bench.operator.snapshot();
    const again = await Bench.of(kind);
    again.operator.restore(JSON.parse(JSON.stringify(snapshot)));
    expect(again.operator.snapshot()).toEqual(snapshot);
  });
});
