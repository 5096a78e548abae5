/**
 * Runs the peers alone over the three shapes of bid files and prints their rates. Their results are checked against
 * each other in every shape; the last line is the JSON that all benches end with.
 *
 * Arguments: lines (2,000,000) and rounds (3). Peers alternate within a round; rates are medians.
 */
import { BID_SHAPES, bidFile, type BidFile, type BidShape, DISORDER_MS, WINDOW_MS } from '../support/bids.ts';
import { expectedDigests } from '../support/expected.ts';
import type { BidResult } from '../support/window-results.ts';
import { runDuckDb } from './duckdb.ts';
import { runPlainJs } from './plain-js.ts';

const median = (values: readonly number[]): number => [...values].sort((a, b) => a - b)[values.length >> 1] ?? 0;

const rate = (file: BidFile, results: readonly BidResult[]): number =>
  Math.round(file.lines / median(results.map(({ seconds }) => seconds)));

async function measure(shape: BidShape, lines: number, rounds: number) {
  const file = bidFile(shape, lines);
  const plainJs: BidResult[] = [];
  const duckDb: BidResult[] = [];
  for (let round = 0; round < rounds; round++) {
    plainJs.push(runPlainJs({ path: file.path, disorderMs: DISORDER_MS, windowMs: WINDOW_MS }));
    duckDb.push(await runDuckDb({ path: file.path, windowMs: WINDOW_MS }));
  }
  const expected = expectedDigests(file.path).withLate;
  const wrong = duckDb.find(({ checksum }) => `${checksum} late 0` !== expected);
  if (wrong !== undefined)
    throw new Error(`${shape}: DuckDB ${wrong.checksum}, plain JavaScript with late bids ${expected}`);
  return { file, plainJs, duckDb };
}

const [lines = 2_000_000, rounds = 3] = process.argv.slice(2).map(Number);
const figures: Record<string, number> = {};
const counters: Record<string, number> = {};
for (const shape of BID_SHAPES) {
  const { file, plainJs, duckDb } = await measure(shape, lines, rounds);
  const [one] = plainJs;
  if (one === undefined || one.late === 0 || one.windows === 0)
    throw new Error(`${shape}: nothing was late or nothing fired`);
  figures[`${shape}PlainJs`] = rate(file, plainJs);
  figures[`${shape}DuckDb`] = rate(file, duckDb);
  Object.assign(counters, {
    [`${shape}Bytes`]: file.bytes,
    [`${shape}Rows`]: one.rows,
    [`${shape}Windows`]: one.windows,
    [`${shape}Late`]: one.late,
    [`${shape}ResultRows`]: one.resultRows,
  });
  console.log(
    `${shape}: ${(file.bytes / file.lines).toFixed(1)} bytes per line, ${one.windows} windows, `
      + `${one.resultRows} rows out, ${one.late} late; `
      + `events/s: plain JavaScript ${figures[`${shape}PlainJs`]}, DuckDB ${figures[`${shape}DuckDb`]}`,
  );
}
console.log(JSON.stringify({ id: 'peers', checked: true, figures, targets: {}, spread: {}, counters }));
