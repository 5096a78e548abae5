/**
 * The job of the bench of hopping windows: count and sum per key over a window that moves by the minute, through the public
 * API. Every key has a row each so many minutes, so a window of a key has as many slices that hold something as such
 * stretches fit into it.
 *
 * The first row of a minute comes in a batch of its own: it lets the windows fire that end with the minute, so what passes
 * between that batch and the next is the firing. Every result is compared with sums that are kept by adding the minute that
 * came and taking away the one that went. Those need nothing of the engine.
 */
import { count, from, hopping, int64, monotonous, schema, sum, timestamp } from 'millrace';
import { run, type RunningJob } from 'millrace/node';
import type { Json } from '../../src/base/json.ts';
import type { SinkConnector } from '../../src/connector/sink.ts';
import type { Poll, ReaderContext, SplitReader } from '../../src/connector/source.ts';
import { BATCH_ROWS_MAX, type RecordBatch } from '../../src/data/record-batch.ts';
import type { LinearMemory } from '../../src/kernel/memory.ts';
import { makeSink, makeSource, tableOf } from '../../src/platform.ts';
import { MadeColumns, madeSource } from './made-rows.ts';
import { readingSink } from './reading-sink.ts';

const Reading = schema({ key: int64(), at: timestamp(), value: int64() });
const TABLE = tableOf(Reading, 'readings');

const MINUTE_MS = 60_000;
const BASE_TIME = 1_600_000_020_000;
const WORD = 2 ** 32;

export interface HoppingPlan {
  readonly keys: number;
  readonly windowMinutes: number;
  /** Minutes between two rows of a key; divides the window. */
  readonly everyMinutes: number;
  /** Minutes behind the first whole window, over which is measured. */
  readonly minutes: number;
  /** Whether the input ends, so that all windows fire, or the job is stopped. */
  readonly ends: boolean;
}

/** Work and state once windows are full; CPU time of this process. */
export interface HoppingResult {
  readonly rows: number;
  readonly results: number;
  /** Measured: results, accumulators merged for them, and microseconds of firing without the sink. */
  readonly firedRows: number;
  readonly merges: number;
  readonly firingUs: number;
  readonly liveEntries: number;
  /** What entries take, by a walk over all of them, and all that the state takes. */
  readonly entriesBytes: number;
  readonly stateBytes: number;
}

const valueOf = (minute: number, key: number): number => (Math.imul(minute, 7919) + Math.imul(key, 104_729)) & 1023;

const cpuUs = (): number => {
  const { user, system } = process.cpuUsage();
  return user + system;
};

/** What reader and sink have counted. */
class Counts {
  rows = 0;
  results = 0;
  firedRows = 0;
  firingUs = 0;
  sinkUs = 0;
  /** Whether windows fire that are measured. */
  isMeasured = false;
}

class Readings implements SplitReader {
  readonly #plan: HoppingPlan;
  readonly #counts: Counts;
  readonly #onFull: (isLast: boolean) => void;
  readonly #columns: MadeColumns;
  #minute = 0;
  /** The next key of the minute that has a row in it. */
  #key = 0;
  #sinceUs = 0;
  position = 0;

  constructor(plan: HoppingPlan, counts: Counts, onFull: (isLast: boolean) => void, context: ReaderContext) {
    this.#plan = plan;
    this.#counts = counts;
    this.#onFull = onFull;
    this.#columns = new MadeColumns(TABLE, context);
  }

  poll(): Poll {
    const counts = this.#counts;
    if (counts.isMeasured) counts.firingUs += cpuUs() - this.#sinceUs;
    counts.isMeasured = false;
    const { keys, windowMinutes, everyMinutes, minutes } = this.#plan;
    if (this.#key >= keys) {
      this.#minute++;
      this.#key = this.#minute % everyMinutes;
    }
    if (this.#minute === windowMinutes + minutes) {
      this.#onFull(true);
      return 'end';
    }
    const isFirst = this.#key < everyMinutes;
    if (isFirst && this.#minute === windowMinutes) this.#onFull(false);
    const rows = isFirst ? 1 : Math.min(BATCH_ROWS_MAX, Math.ceil((keys - this.#key) / everyMinutes));
    this.#fill(rows);
    counts.isMeasured = isFirst && this.#minute >= windowMinutes;
    this.#sinceUs = counts.isMeasured ? cpuUs() : 0;
    return this.#columns.batch(rows);
  }

  #fill(rows: number): void {
    const { u32 } = this.#columns.memory;
    const [keyAt = 0, timeAt = 0, valueAt = 0] = this.#columns.words();
    const { keys, everyMinutes } = this.#plan;
    for (let i = 0; i < rows * 2; i += 2, this.#key += everyMinutes) {
      // Also the first key's row comes behind the border, so that the windows up to it are due.
      const time = BASE_TIME + this.#minute * MINUTE_MS + 1 + Math.floor((this.#key * (MINUTE_MS - 1)) / keys);
      u32[keyAt + i] = this.#key;
      u32[timeAt + i] = time;
      u32[timeAt + i + 1] = time / WORD;
      u32[valueAt + i] = valueOf(this.#minute, this.#key);
    }
    this.position += rows;
    this.#counts.rows += rows;
  }

  offset(): Json {
    return this.position;
  }

  async ready(): Promise<void> {}
  async close(): Promise<void> {}
}

/** Per key the rows of the window and their sum, from the plan alone, a minute at a time. */
class MovingSums {
  readonly #plan: HoppingPlan;
  readonly #rows: Uint32Array;
  readonly #totals: Float64Array;
  /** The minute behind the window. */
  #end = 0;
  #alive = 0;
  #fired = 0;
  /** Per key the end of its last result. */
  readonly #lastEnd: Int32Array;

  constructor(plan: HoppingPlan) {
    this.#plan = plan;
    this.#rows = new Uint32Array(plan.keys);
    this.#totals = new Float64Array(plan.keys);
    this.#lastEnd = new Int32Array(plan.keys);
  }

  /** Throws when a result is not what the window comes to, comes twice, or was left out before. */
  check(key: number, start: number, end: number, rows: number, total: number): void {
    const minute = (end - BASE_TIME) / MINUTE_MS;
    while (this.#end < minute) this.#advance();
    const isRight =
      minute === this.#end && end - start === this.#plan.windowMinutes * MINUTE_MS && this.#lastEnd[key] !== minute;
    if (!isRight || rows !== this.#rows[key] || total !== this.#totals[key])
      throw new Error(`key ${key} [${start}, ${end}): ${rows} rows of ${total}`);
    this.#lastEnd[key] = minute;
    this.#fired++;
  }

  #advance(): void {
    this.complete();
    this.#fired = 0;
    this.#add(this.#end, 1);
    this.#end++;
    this.#add(this.#end - 1 - this.#plan.windowMinutes, -1);
  }

  complete(): void {
    if (this.#fired !== this.#alive) throw new Error(`minute ${this.#end}: ${this.#fired} of ${this.#alive} results`);
  }

  #add(minute: number, sign: 1 | -1): void {
    const { keys, windowMinutes, everyMinutes, minutes } = this.#plan;
    if (minute < 0 || minute >= windowMinutes + minutes) return;
    for (let key = minute % everyMinutes; key < keys; key += everyMinutes) {
      const before = this.#rows[key] ?? 0;
      this.#rows[key] = before + sign;
      this.#totals[key] = (this.#totals[key] ?? 0) + sign * valueOf(minute, key);
      if (before + sign === 0 || before === 0) this.#alive += sign;
    }
  }
}

function checkingSink(sums: MovingSums, counts: Counts): SinkConnector {
  return readingSink({
    bytes: () => counts.results * 40,
    write: (batch, memory) => {
      const beganUs = counts.isMeasured ? cpuUs() : 0;
      checkAll(sums, memory, batch);
      counts.results += batch.rows;
      if (!counts.isMeasured) return;
      counts.firedRows += batch.rows;
      counts.sinkUs += cpuUs() - beganUs;
    },
  });
}

/** Columns: key, windowStart, windowEnd, count, sum. */
function checkAll(sums: MovingSums, { u32 }: LinearMemory, { rows, columns }: RecordBatch): void {
  const [key = 0, start = 0, end = 0, count = 0, total = 0] = columns.map(({ values }) => values >>> 2);
  const value = (at: number): number => (u32[at + 1] ?? 0) * WORD + (u32[at] ?? 0);
  for (let i = 0; i < rows * 2; i += 2)
    sums.check(value(key + i), value(start + i), value(end + i), value(count + i), value(total + i));
}

/** Runs the job; throws when a result is wrong or missing. */
export async function runHopping(plan: HoppingPlan): Promise<HoppingResult> {
  const counts = new Counts();
  const sums = new MovingSums(plan);
  const handle: { job?: RunningJob } = {};
  let [mergesBefore, merges, liveEntries, entriesBytes, stateBytes] = [0, 0, 0, 0, 0];
  const figure = (name: string): number => handle.job?.metrics()['hops']?.[name]?.value ?? Number.NaN;
  const onFull = (isLast: boolean): void => {
    if (!isLast) mergesBefore = figure('merges');
    if (!isLast) return;
    [merges, liveEntries, stateBytes] = [figure('merges') - mergesBefore, figure('stateEntries'), figure('stateBytes')];
    for (const { bytes } of handle.job?.heaviestKeys('hops', plan.keys) ?? []) entriesBytes += bytes;
    if (!plan.ends) void handle.job?.cancel();
  };
  const source = madeSource(TABLE, (context) => new Readings(plan, counts, onFull, context));
  const job = from(makeSource(Reading, source, 'readings'))
    .watermark('at', monotonous())
    .keyBy('key')
    .window(hopping(`${plan.windowMinutes} minutes`, '1 minute'))
    .aggregate({ rows: count(), total: sum('value') }, { uid: 'hops' })
    .to(makeSink('inserts only', checkingSink(sums, counts), 'check'));
  handle.job = await run(job, { memory: '2 GB', checkpointEvery: '1 hour' });
  await handle.job.done;
  if (plan.ends) sums.complete();
  const { rows, results, firedRows, firingUs, sinkUs } = counts;
  return { rows, results, firedRows, firingUs: firingUs - sinkUs, merges, liveEntries, entriesBytes, stateBytes };
}
