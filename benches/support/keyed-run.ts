/**
 * The job of P5 and P9: count, sum, min and max per key over one long window, from rows made in memory, through the public
 * API. Checked by its own sink: the counts must add up to the rows made, the sums to their values, the keys to all keys.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { count, from, int64, max, min, monotonous, schema, sum, timestamp, tumbling } from 'millrace';
import { run, type RunningJob } from 'millrace/node';
import type { SinkConnector } from '../../src/connector/sink.ts';
import type { RecordBatch } from '../../src/data/record-batch.ts';
import type { LinearMemory } from '../../src/kernel/memory.ts';
import { makeSink, makeSource, tableOf } from '../../src/platform.ts';
import { quantile } from '../bench.ts';
import { readingSink } from './reading-sink.ts';
import { type KeyedPlan, keyedSource, type Made } from './keyed-source.ts';

const rows = schema({ key: int64(), value: int64(), at: timestamp() });

export interface KeyedRun extends KeyedPlan {
  readonly checkpoints: boolean;
}

interface Totals {
  rows: number;
  total: number;
  keys: number;
}

/** Adds up the results; reads every column. */
function totalSink(totals: Totals): SinkConnector {
  return readingSink({
    bytes: () => totals.keys * 56,
    write: (batch, memory) => addResults(totals, memory, batch),
  });
}

/** Columns: key, windowStart, windowEnd, count, sum, min, max. All values are far below 2^53. */
function addResults(totals: Totals, memory: LinearMemory, { rows: n, columns }: RecordBatch): void {
  const { u32 } = memory;
  const at = columns.map(({ values }) => values >>> 2);
  const value = (column: number, i: number): number => {
    const word = (at[column] ?? 0) + i * 2;
    return (u32[word + 1] ?? 0) * 2 ** 32 + (u32[word] ?? 0);
  };
  for (let i = 0; i < n; i++) {
    if (value(5, i) > value(6, i) || value(1, i) >= value(2, i))
      throw new Error(`key ${value(0, i)} has a wrong result`);
    totals.rows += value(3, i);
    totals.total += value(4, i);
  }
  totals.keys += n;
}

export interface KeyedResult {
  readonly digest: string;
  readonly counters: { readonly [name: string]: number };
}

export async function runKeyed(options: KeyedRun): Promise<KeyedResult> {
  const before = process.memoryUsage.rss();
  const { connector, made } = keyedSource(tableOf(rows, 'rows'), options);
  const totals: Totals = { rows: 0, total: 0, keys: 0 };
  const job = from(makeSource(rows, connector, 'made'))
    .watermark('at', monotonous())
    .keyBy('key')
    .window(tumbling('365 days'))
    .aggregate({ rows: count(), total: sum('value'), lowest: min('value'), highest: max('value') })
    .to(makeSink('inserts only', totalSink(totals), 'totals'));
  const state = options.checkpoints ? await mkdtemp(join(tmpdir(), 'millrace-state-')) : undefined;
  try {
    const running = await run(job, {
      memory: '1 GB',
      handleSignals: false,
      ...(state === undefined ? { checkpointEvery: '1 hour' } : { state, checkpointEvery: '1 s' }),
    });
    const cuts = watchCuts(running, made);
    await running.done;
    if (totals.rows !== made.rows || totals.total !== made.total || totals.keys !== options.keys)
      throw new Error(`${JSON.stringify(totals)} of ${made.rows} rows with a total of ${made.total}`);
    return { digest: `${totals.rows} ${totals.total}`, counters: { ...countersOf(made, before), ...cuts() } };
  } finally {
    if (state !== undefined) await rm(state, { recursive: true });
  }
}

function countersOf(made: Made, rssBefore: number): Readonly<Record<string, number>> {
  return {
    rows: made.rows,
    steadyRows: made.steadyRows,
    steadyMs: made.steadyMs,
    rssBytes: made.rssAtEnd - rssBefore,
    gapP999Ms: quantile(made.gaps, 0.999),
    gapMaxMs: quantile(made.gaps, 1),
  };
}

/**
 * Bytes that the checkpoints of steady epochs wrote, and the keys and blocks that had changed in them. Without those that
 * wrote all state anew: how many fall in so short a time depends on how long the filling took. One comes when twice the
 * state was written since the last, so in the long run they add half.
 */
function watchCuts(running: RunningJob, made: Made): () => Readonly<Record<string, number>> {
  const total = (name: string): number =>
    Object.values(running.metrics()).reduce((sum, scope) => sum + (scope[name]?.value ?? 0), 0);
  /** At each cut, of the checkpoints before. */
  const seen: { readonly bytes: number; readonly changedBytes: number; readonly stateBytes: number }[] = [];
  const look = (): void => {
    seen.push({
      bytes: total('checkpointBytes'),
      changedBytes: total('checkpointChangedBytes'),
      stateBytes: running.progress().stateBytes,
    });
  };
  made.onCut = look;
  return () => {
    // What was written when a cut is made belongs to the cuts before it.
    const steady = made.epochs.findIndex(({ isSteady }) => isSteady);
    const [first, last] = [seen[steady], seen[made.epochs.length - 1]];
    if (steady < 0 || first === undefined || last === undefined) return { checkpoints: 0 };
    const steadyCounts = { changedKeys: 0, steadyBytes: 0, changedBytes: 0, rewrites: 0 };
    for (let i = steady; i < made.epochs.length - 1; i++) {
      const [from, to] = [seen[i] ?? first, seen[i + 1] ?? last];
      const changedBytes = to.changedBytes - from.changedBytes;
      // All of the state anew, in place of every segment before.
      if (changedBytes > first.stateBytes / 2) {
        steadyCounts.rewrites++;
        continue;
      }
      steadyCounts.changedKeys += made.epochs[i]?.changedKeys ?? 0;
      steadyCounts.steadyBytes += to.bytes - from.bytes;
      steadyCounts.changedBytes += changedBytes;
    }
    return {
      checkpoints: total('checkpointsCompleted'),
      steadyCheckpoints: made.epochs.length - 1 - steady,
      ...steadyCounts,
      stateBytes: first.stateBytes,
    };
  };
}
