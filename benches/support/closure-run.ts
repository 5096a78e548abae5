/**
 * The jobs of P10 through the public API: a filter and a map over rows, then the digest, or windows of 10 s before it.
 * Not here: the functions (closures.ts), the input (readings.ts), the same without an engine (peers/objects.ts).
 */
import {
  boundedOutOfOrderness,
  count,
  float64,
  from,
  int32,
  int64,
  type Job,
  schema,
  sum,
  timestamp,
  tumbling,
  utf8,
} from 'millrace';
import { ndjsonFiles, run } from 'millrace/node';
import type { SourceConnector } from '../../src/connector/source.ts';
import { makeSink, makeSource, tableOf } from '../../src/platform.ts';
import { changeNumeric, changeRepeating, changeUnique, keepNumeric, keepRepeating, keepUnique } from './closures.ts';
import { lapSource } from './laps.ts';
import { numericSource, repeatingSource } from './reading-source.ts';
import {
  DISORDER_MS,
  lapMsOf,
  lineFile,
  type LineShape,
  numericColumns,
  repeatingColumns,
  WINDOW_MS,
} from './readings.ts';
import { emptyRowDigest, type RowDigest, rowDigestSink, rowDigestText } from './row-digest.ts';

export interface ClosurePlan {
  readonly rows: number;
  readonly laps: number;
  readonly of: 'numeric' | 'repeating' | 'unique';
  /** Of unique. */
  readonly lines?: LineShape;
  readonly windowed: boolean;
}

export interface ClosureRun {
  readonly digest: string;
  readonly counters: { readonly [name: string]: number };
}

const Numeric = schema({
  at: timestamp(),
  device: int32(),
  value: float64(),
  scale: float64().nullable(),
  count: int64(),
});
const NumericMade = schema({ device: int32(), adjusted: float64(), total: int64() });
const Repeating = schema({ at: timestamp(), sensor: utf8(), unit: utf8(), site: utf8().nullable(), value: float64() });
const RepeatingMade = schema({ sensor: utf8(), site: utf8(), kelvin: float64() });
const Unique = schema({ at: timestamp(), id: utf8(), customer: utf8(), note: utf8().nullable(), amount: float64() });
const UniqueMade = schema({ customer: utf8(), id: utf8(), note: utf8(), cents: int64() });

const disorder = boundedOutOfOrderness(`${DISORDER_MS} ms`);
const window = tumbling(`${WINDOW_MS / 1000} s`);

/** Made once for a process: it is not what is measured. */
const sources = new Map<string, SourceConnector>();

function sourceFor({ of, rows, laps }: ClosurePlan): SourceConnector {
  const name = `${of} ${rows} ${laps}`;
  const made =
    sources.get(name)
    ?? (of === 'numeric'
      ? numericSource(tableOf(Numeric, 'numeric'), numericColumns(rows), laps)
      : repeatingSource(tableOf(Repeating, 'repeating'), repeatingColumns(rows), laps));
  sources.set(name, made);
  return made;
}

function jobOf(plan: ClosurePlan, digest: RowDigest): Job {
  const sink = makeSink('inserts only', rowDigestSink(digest), 'digest');
  if (plan.of === 'numeric') {
    const made = from(makeSource(Numeric, sourceFor(plan), 'numeric'))
      .watermark('at', disorder)
      .filter(keepNumeric)
      .map(changeNumeric, { out: NumericMade });
    const windows = made.keyBy('device').window(window);
    return plan.windowed ? windows.aggregate({ rows: count(), sum: sum('adjusted') }).to(sink) : made.to(sink);
  }
  if (plan.of === 'repeating') {
    const made = from(makeSource(Repeating, sourceFor(plan), 'repeating'))
      .watermark('at', disorder)
      .filter(keepRepeating)
      .map(changeRepeating, { out: RepeatingMade });
    const windows = made.keyBy('sensor').window(window);
    return plan.windowed ? windows.aggregate({ rows: count(), sum: sum('kelvin') }).to(sink) : made.to(sink);
  }
  const { rows, laps, lines = 'mixed' } = plan;
  const file = { path: lineFile(lines, rows), laps, lapMs: lapMsOf(rows), column: 'at' };
  const source =
    laps === 1 ? ndjsonFiles(file.path, Unique) : makeSource(Unique, lapSource(tableOf(Unique, 'u'), file), 'u');
  const made = from(source).watermark('at', disorder).filter(keepUnique).map(changeUnique, { out: UniqueMade });
  const windows = made.keyBy('customer').window(window);
  return plan.windowed ? windows.aggregate({ rows: count(), sum: sum('cents') }).to(sink) : made.to(sink);
}

export async function runClosures(plan: ClosurePlan): Promise<ClosureRun> {
  const digest = emptyRowDigest();
  const running = await run(jobOf(plan, digest), { memory: '256 MB', checkpointEvery: '1 hour' });
  await running.done;
  const { recordsIn, late, deadLetters } = running.progress();
  if (deadLetters > 0) throw new Error(`${deadLetters} dead letters: ${running.deadLetters()[0]?.reason}`);
  const scopes = Object.values(running.metrics());
  const total = (name: string): number => scopes.reduce((sum, scope) => sum + (scope[name]?.value ?? 0), 0);
  return {
    digest: `${rowDigestText(digest)} late ${late}`,
    counters: {
      rows: recordsIn,
      filtered: total('filtered'),
      resultRows: digest.rows,
      sinkBytes: digest.bytes,
      ...(plan.windowed ? { late } : {}),
      ...(plan.of === 'unique' ? { fastRows: total('fastRows'), generalRows: total('generalRows') } : {}),
    },
  };
}
