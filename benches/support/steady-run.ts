/**
 * The job of the benches of growth through the public API: count, sum and max per key in tumbling windows, from rows made in
 * memory; and its results as plain JavaScript finds them.
 */
import { boundedOutOfOrderness, count, from, int64, max, schema, sum, timestamp, tumbling } from 'millrace';
import { run } from 'millrace/node';
import type { SinkConnector } from '../../src/connector/sink.ts';
import type { RecordBatch } from '../../src/data/record-batch.ts';
import type { LinearMemory } from '../../src/kernel/memory.ts';
import { makeSink, makeSource, tableOf } from '../../src/platform.ts';
import { readingSink } from './reading-sink.ts';
import { addRow, type Digest, digestText, emptyDigest } from './result-digest.ts';
import {
  BASE_TIME,
  DISORDER_MS,
  keyOf,
  rowsOf,
  type SteadyPlan,
  steadySource,
  timeOf,
  valueOf,
} from './steady-source.ts';

const Row = schema({ key: int64(), value: int64(), at: timestamp() });
const WORD = 2 ** 32;
/** Five columns of eight bytes and the key. */
const RESULT_BYTES = 48;

export interface SteadyRun {
  /** ns of all cores for each row at random, and for each that fills, without what the source itself takes. */
  readonly nsPerRow: number;
  readonly nsPerNewKey: number;
  readonly nsOfSource: number;
  readonly digest: string;
  readonly counters: { readonly [name: string]: number };
}

export async function runSteady(plan: SteadyPlan, windowMs: number): Promise<SteadyRun> {
  const { connector, times } = steadySource(tableOf(Row, 'rows'), plan);
  const digest = emptyDigest();
  const job = from(makeSource(Row, connector, 'made'))
    .watermark('at', boundedOutOfOrderness(`${DISORDER_MS} ms`))
    .keyBy('key')
    .window(tumbling(`${windowMs} ms`))
    .aggregate({ rows: count(), total: sum('value'), highest: max('value') })
    .to(makeSink('inserts only', digestSink(digest), 'digest'));
  const running = await run(job, {
    memory: '1 GB',
    checkpointEvery: '1 hour',
    stateAlert: 'off',
    handleSignals: false,
  });
  let stateBytes = 0;
  times.atEnd = () => {
    ({ stateBytes } = running.progress());
  };
  await running.done;
  const { late, recordsIn } = running.progress();
  return {
    nsPerRow: (times.rows.cpuMs * (1 - times.rows.sourceShare) * 1e6) / plan.rows,
    nsPerNewKey: (times.fill.cpuMs * (1 - times.fill.sourceShare) * 1e6) / plan.keys,
    nsOfSource: (times.rows.cpuMs * times.rows.sourceShare * 1e6) / plan.rows,
    digest: `${digestText(digest)} late ${late}`,
    counters: { rows: recordsIn, results: digest.rows, late, stateBytes, sinkBytes: digest.rows * RESULT_BYTES },
  };
}

/** Reads every column: key, windowStart, windowEnd, count, sum, max. */
function digestSink(digest: Digest): SinkConnector {
  return readingSink({
    bytes: () => digest.rows * RESULT_BYTES,
    write: (batch, memory) => addResults(digest, memory, batch),
  });
}

function addResults(digest: Digest, { u32 }: LinearMemory, { rows, columns }: RecordBatch): void {
  const [key = 0, start = 0, end = 0, counted = 0, total = 0, highest = 0] = columns.map(({ values }) => values >>> 2);
  const value = (at: number): number => (u32[at + 1] ?? 0) * WORD + (u32[at] ?? 0);
  for (let i = 0; i < rows * 2; i += 2) {
    const folded = value(total + i) * 1_000 + value(highest + i);
    addRow(digest, value(key + i), value(start + i), value(end + i), value(counted + i), folded);
  }
}

interface Window {
  readonly counts: Uint32Array;
  readonly sums: Float64Array;
  readonly highest: Uint16Array;
}

/** What runSteady has to answer. */
export function expectedSteady(plan: SteadyPlan, windowMs: number): string {
  const digest = emptyDigest();
  const windows = new Map<number, Window>();
  const spare: Window[] = [];
  let [late, most] = [0, Number.NEGATIVE_INFINITY];
  for (let n = 0; n < rowsOf(plan); n++) {
    const time = BASE_TIME + timeOf(plan, n);
    const start = Math.floor(time / windowMs) * windowMs;
    if (start + windowMs - 1 <= most - DISORDER_MS - 1) late++;
    else add(start, keyOf(plan, n), valueOf(n));
    if (time <= most) continue;
    most = time;
    fire(most - DISORDER_MS - 1);
  }
  fire(Number.POSITIVE_INFINITY);
  return `${digestText(digest)} late ${late}`;

  function add(start: number, key: number, value: number): void {
    let window = windows.get(start);
    if (window === undefined) {
      window = spare.pop() ?? emptyWindow(plan.keys);
      windows.set(start, window);
    }
    window.counts[key] = (window.counts[key] ?? 0) + 1;
    window.sums[key] = (window.sums[key] ?? 0) + value;
    if (value > (window.highest[key] ?? 0)) window.highest[key] = value;
  }

  function fire(watermark: number): void {
    for (const [start, window] of windows) {
      const end = start + windowMs;
      if (end - 1 > watermark) continue;
      const { counts, sums, highest } = window;
      counts.forEach((counted, key) => {
        if (counted === 0) return;
        addRow(digest, key, start, end, counted, (sums[key] ?? 0) * 1_000 + (highest[key] ?? 0));
      });
      for (const values of [counts, sums, highest]) values.fill(0);
      spare.push(window);
      windows.delete(start);
    }
  }
}

const emptyWindow = (keys: number): Window => ({
  counts: new Uint32Array(keys),
  sums: new Float64Array(keys),
  highest: new Uint16Array(keys),
});
