/**
 * The first peer: the windowed aggregation as a good JavaScript engineer writes it without an engine. The file is read
 * in large chunks, split at newlines and parsed with JSON.parse; totals per channel stand in one Map per open window;
 * the watermark (highest dateTime - disorder - 1) decides row by row what is late and which windows fire.
 *
 * Invariants
 *  1. A row is judged by the watermark of the rows before it: late when the last instant of its window is at or below.
 *  2. Windows fire as soon as the watermark passes them, in order; their rows are hashed then, the window dropped.
 *
 * Measured, and not quicker: split('\n'), decoding as latin1 or line by line, one JSON.parse for a whole chunk.
 * Not here: state, checkpoints, metrics, sinks. The peer is given the lighter task.
 */
import { closeSync, openSync, readSync } from 'node:fs';
import {
  addRow,
  type BidResult,
  type ChannelTotals,
  checksumText,
  emptyChecksum,
  type LateBid,
} from '../support/window-results.ts';

export interface PlainJsOptions {
  readonly path: string;
  readonly disorderMs: number;
  readonly windowMs: number;
  /** Times that the file is read, and by how much later its bids are each time. One unless said otherwise. */
  readonly laps?: number;
  readonly lapMs?: number;
  /** Called for each fired row and each late bid; a measured run leaves them out. */
  readonly onRow?: (windowStart: number, channel: string, totals: ChannelTotals) => void;
  readonly onLate?: (bid: LateBid) => void;
}

interface Bid {
  readonly price: number;
  readonly channel: string;
  readonly dateTime: number;
}

const CHUNK_BYTES = 1 << 20;

export function runPlainJs(options: PlainJsOptions): BidResult {
  const started = performance.now();
  const aggregation = windowedTotals(options);
  for (let lap = 0; lap < (options.laps ?? 1); lap++) {
    const shift = lap * (options.lapMs ?? 0);
    forEachLine(options.path, (line) => {
      // The files are ours: each line has these members with these types.
      const bid = JSON.parse(line) as Bid;
      aggregation.add(shift === 0 ? bid : { ...bid, dateTime: bid.dateTime + shift });
    });
  }
  const result = aggregation.finish();
  return { ...result, seconds: (performance.now() - started) / 1_000 };
}

export function forEachLine(path: string, take: (line: string) => void): void {
  const file = openSync(path, 'r');
  let buffer = Buffer.allocUnsafe(CHUNK_BYTES);
  let kept = 0;
  for (;;) {
    if (kept === buffer.length) buffer = Buffer.concat([buffer, Buffer.allocUnsafe(buffer.length)]);
    const read = readSync(file, buffer, kept, buffer.length - kept, null);
    const filled = kept + read;
    const whole = read === 0 ? filled : buffer.lastIndexOf(10, filled - 1) + 1;
    // One decoding per chunk: slices of the string are views, and V8 keeps chunks of ASCII at one byte a letter.
    const text = buffer.toString('utf8', 0, whole);
    let start = 0;
    for (let end = text.indexOf('\n'); end >= 0; end = text.indexOf('\n', start)) {
      if (end > start) take(text.slice(start, end));
      start = end + 1;
    }
    if (start < text.length) take(text.slice(start));
    if (read === 0) break;
    buffer.copyWithin(0, whole, filled);
    kept = filled - whole;
  }
  closeSync(file);
}

function windowedTotals(options: PlainJsOptions) {
  const { disorderMs, windowMs, onRow, onLate } = options;
  const windows = new Map<number, Map<string, ChannelTotals>>();
  const checksum = emptyChecksum();
  let rows = 0;
  let late = 0;
  let fired = 0;
  let maxTime = -Infinity;
  let firstOpenStart = -Infinity;
  let currentStart = NaN;
  let current = new Map<string, ChannelTotals>();

  function fireThrough(watermark: number): void {
    const due = [...windows.keys()].filter((start) => start + windowMs - 1 <= watermark).sort((a, b) => a - b);
    for (const start of due) {
      for (const [channel, totals] of windows.get(start) ?? []) {
        addRow(checksum, start, channel, totals);
        onRow?.(start, channel, totals);
      }
      windows.delete(start);
      fired++;
    }
    currentStart = NaN;
    firstOpenStart = Math.floor((watermark + 1) / windowMs) * windowMs;
  }

  return {
    add(bid: Bid): void {
      const { price, channel, dateTime } = bid;
      const start = dateTime - (dateTime % windowMs);
      rows++;
      if (start < firstOpenStart) {
        late++;
        onLate?.({ windowStart: start, channel, price });
        return;
      }
      if (start !== currentStart) {
        let window = windows.get(start);
        if (window === undefined) windows.set(start, (window = new Map()));
        current = window;
        currentStart = start;
      }
      const totals = current.get(channel);
      if (totals === undefined) current.set(channel, { count: 1, sum: price, max: price });
      else {
        totals.count++;
        totals.sum += price;
        if (price > totals.max) totals.max = price;
      }
      if (dateTime > maxTime) {
        maxTime = dateTime;
        if (maxTime - disorderMs >= firstOpenStart + windowMs) fireThrough(maxTime - disorderMs - 1);
      }
    },
    finish(): Omit<BidResult, 'seconds'> {
      fireThrough(Infinity);
      return { rows, windows: fired, late, checksum: checksumText(checksum), resultRows: checksum.rows };
    },
  };
}
