/**
 * The job of P7 through the public API: of Nexmark q5 the count of bids per auction in hopping windows, of q7 the highest
 * price per tumbling window, both from one source; each of their sinks notes when the last row of a window came.
 *
 * Not here: what the results must be (auction-results.ts).
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  boundedOutOfOrderness,
  count,
  from,
  hopping,
  int32,
  int64,
  job,
  max,
  schema,
  timestamp,
  tumbling,
} from 'millrace';
import { run } from 'millrace/node';
import type { SinkConnector } from '../../src/connector/sink.ts';
import type { RecordBatch } from '../../src/data/record-batch.ts';
import type { LinearMemory } from '../../src/kernel/memory.ts';
import { makeSink, makeSource, tableOf } from '../../src/platform.ts';
import { type Answers, DELAY_MS, Q5, Q7 } from './auction-results.ts';
import { BID } from './nexmark.ts';
import { endNumber, type Pace, type PacedRun, pacedSource } from './paced-source.ts';
import { readingSink } from './reading-sink.ts';
import { addRow, type Digest, digestText, emptyDigest } from './result-digest.ts';

const Event = schema({ kind: int32(), auction: int64(), bidder: int64(), price: int64(), dateTime: timestamp() });
const WORD = 2 ** 32;

interface Seen {
  readonly digest: Digest;
  /** By the number of the window's end: when its last row so far came. */
  readonly at: number[];
  bytes: number;
}

/** Columns: the key if there is one, windowStart, windowEnd, the result. */
function noting(seen: Seen): SinkConnector {
  return readingSink({
    bytes: () => seen.bytes,
    write: (batch, memory) => take(seen, memory, batch),
    // Something to commit with every checkpoint.
    prepared: () => digestText(seen.digest),
  });
}

function take(seen: Seen, { u32 }: LinearMemory, { rows, columns }: RecordBatch): void {
  const now = performance.now();
  const words = columns.map(({ values }) => values >>> 2);
  const key = words.length === 4 ? words[0] : undefined;
  const [start = 0, end = 0, result = 0] = words.slice(-3);
  const value = (at: number): number => (u32[at + 1] ?? 0) * WORD + (u32[at] ?? 0);
  for (let i = 0; i < rows * 2; i += 2) {
    const until = value(end + i);
    addRow(seen.digest, key === undefined ? 0 : value(key + i), value(start + i), until, value(result + i));
    seen.at[endNumber(until)] = now;
  }
  seen.bytes += rows * columns.length * 8;
}

export interface Latencies {
  readonly answers: Answers;
  /** ms from the moment at which the row that releases a window was due to its last result row at the sink. */
  readonly q5: readonly number[];
  readonly q7: readonly number[];
  /** The same from the moment at which the source handed that row over. */
  readonly q5Engine: readonly number[];
  readonly q7Engine: readonly number[];
  /** ms that the oldest row of each batch had been due when it was handed over. */
  readonly waits: readonly number[];
  /** Of the whole run. */
  readonly ms: number;
  readonly counters: { readonly [name: string]: number };
}

export async function runPaced(pace: Pace): Promise<Latencies> {
  const { connector, run: paced } = pacedSource(tableOf(Event, 'events'), pace);
  const [q5, q7] = [newSeen(), newSeen()];
  const bids = from(makeSource(Event, connector, 'paced'))
    .watermark('dateTime', boundedOutOfOrderness(`${DELAY_MS} ms`))
    .where((f) => f.kind.eq(BID));
  const counts = bids
    .keyBy('auction')
    .window(hopping(`${Q5.sizeMs} ms`, `${Q5.slideMs} ms`))
    .aggregate({ bids: count() }, { uid: 'q5' });
  const highest = bids.window(tumbling(`${Q7.sizeMs} ms`)).aggregate({ highest: max('price') }, { uid: 'q7' });
  const both = job(
    'auctions',
    counts.to(makeSink('inserts only', noting(q5), 'q5')),
    highest.to(makeSink('inserts only', noting(q7), 'q7')),
  );
  const state = await mkdtemp(join(tmpdir(), 'millrace-state-'));
  try {
    const running = await run(both, { state, handleSignals: false });
    await running.done;
    const { recordsIn, checkpoints } = running.progress();
    const late = (uid: string): number => running.ledger()[uid]?.late ?? 0;
    const answers = {
      q5: digestText(q5.digest),
      q7: digestText(q7.digest),
      late5: late('q5'),
      late7: late('q7'),
    };
    const counters = { rows: recordsIn, checkpoints, late5: answers.late5, late7: answers.late7 };
    const sinks = { resultRows: q5.digest.rows + q7.digest.rows, sinkBytes: q5.bytes + q7.bytes };
    return { ...latencies(paced, q5, q7), answers, counters: { ...counters, ...sinks, batches: paced.waits.length } };
  } finally {
    await rm(state, { recursive: true });
  }
}

const newSeen = (): Seen => ({ digest: emptyDigest(), at: [], bytes: 0 });

function latencies(paced: PacedRun, q5: Seen, q7: Seen): Omit<Latencies, 'answers' | 'counters'> {
  // Windows that only the end of the input released have no row to count from.
  const of = ({ at }: Seen, since: 'dueAt' | 'handedAt'): number[] =>
    paced.released.flatMap((released, i) => (at[i] === undefined ? [] : [at[i] - released[since]]));
  return {
    q5: of(q5, 'dueAt'),
    q7: of(q7, 'dueAt'),
    q5Engine: of(q5, 'handedAt'),
    q7Engine: of(q7, 'handedAt'),
    waits: paced.waits,
    ms: paced.endedAt - paced.beganAt,
  };
}
