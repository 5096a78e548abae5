/**
 * The job of P1 and P2 through the public API: bids by channel in 10 s tumbling windows, with watermarks, late handling and
 * ledger as every job has them. One run, with its checksum and what it counted.
 *
 * Not here: the files (bids.ts), the same without an engine (peers/).
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  boundedOutOfOrderness,
  count,
  from,
  int64,
  max,
  schema,
  type Size,
  sum,
  timestamp,
  tumbling,
  utf8,
  type WatermarkOptions,
} from 'millrace';
import { ndjsonFiles, run, type RunningJob } from 'millrace/node';
import { ndjsonFiles as ndjsonConnector } from '../../node/connectors/ndjson-files.ts';
import { makeSink, makeSource, tableOf } from '../../src/platform.ts';
import { DISORDER_MS, WINDOW_MS } from './bids.ts';
import { digestSink, type SinkTotals } from './digest-sink.ts';
import { lapSource } from './laps.ts';
import { checksumText } from './window-results.ts';

const bids = schema({
  auction: int64(),
  bidder: int64().nullable(),
  price: int64(),
  channel: utf8(),
  url: utf8().nullable(),
  dateTime: timestamp(),
  extra: utf8().nullable(),
});

export interface BidRun {
  readonly path: string;
  /** Times that the file is read, and by how much later each time. One unless said otherwise. */
  readonly laps?: number;
  readonly lapMs?: number;
  /** With a state folder on disk and a checkpoint every second. */
  readonly checkpoints?: boolean;
  /** With checkpoints: how many have to be begun before a lap may be the last, instead of a number of laps. */
  readonly untilCheckpoints?: number;
  readonly batchRows?: number;
  readonly chunk?: Size;
  readonly watermark?: WatermarkOptions;
  /** Whether the file is read as a live source. */
  readonly live?: boolean;
}

export interface BidRunResult {
  /** Of all result rows; late rows are counted in it too. */
  readonly digest: string;
  readonly counters: { readonly [name: string]: number };
}

export async function runBids(options: BidRun): Promise<BidRunResult> {
  const { connector, totals } = digestSink(WINDOW_MS);
  let { laps = 1 } = options;
  const source = sourceOf(options, (read) => {
    laps = read;
  });
  const highest = from(source)
    .watermark('dateTime', boundedOutOfOrderness(`${DISORDER_MS} ms`), options.watermark ?? {})
    .keyBy('channel')
    .window(tumbling(`${WINDOW_MS / 1000} s`))
    .aggregate({ bids: count(), total: sum('price'), highest: max('price') });
  const state = options.checkpoints === true ? await mkdtemp(join(tmpdir(), 'millrace-state-')) : undefined;
  try {
    const running = await run(highest.to(makeSink('inserts only', connector, 'digest')), {
      memory: '512 MB',
      handleSignals: false,
      ...(state === undefined ? { checkpointEvery: '1 hour' } : { state, checkpointEvery: '1 s' }),
      ...(options.chunk === undefined ? {} : { chunk: options.chunk }),
      ...(options.batchRows === undefined ? {} : { batchRows: options.batchRows }),
    });
    await running.done;
    return resultOf(running, totals, laps);
  } finally {
    if (state !== undefined) await rm(state, { recursive: true });
  }
}

/** The file as users name it, or through the port where more is asked for. */
function sourceOf(
  { path, laps = 1, lapMs = 0, untilCheckpoints: untilCuts, live }: BidRun,
  onEnd: (laps: number) => void,
) {
  if (live !== undefined) return makeSource(bids, { ...ndjsonConnector(path, tableOf(bids, 'bids')), live }, 'bids');
  if (laps === 1 && untilCuts === undefined) return ndjsonFiles(path, bids);
  const source = lapSource(tableOf(bids, 'bids'), { path, laps, untilCuts, onEnd, lapMs, column: 'dateTime' });
  return makeSource(bids, source, 'laps');
}

function resultOf(running: RunningJob, totals: SinkTotals, laps: number): BidRunResult {
  const { recordsIn, late, deadLetters, checkpoints } = running.progress();
  if (deadLetters > 0) throw new Error(`${deadLetters} dead letters: ${running.deadLetters()[0]?.reason}`);
  const scopes = Object.values(running.metrics());
  const total = (name: string): number => scopes.reduce((sum, scope) => sum + (scope[name]?.value ?? 0), 0);
  const counters = {
    rows: recordsIn,
    laps,
    bytes: total('bytesRead'),
    fastRows: total('fastRows'),
    generalRows: total('generalRows'),
    late,
    windows: totals.windows,
    resultRows: totals.checksum.rows,
    sinkBytes: totals.bytes,
    checkpoints,
    checkpointBytes: total('checkpointBytes'),
  };
  return { digest: `${checksumText(totals.checksum)} late ${late}`, counters };
}
