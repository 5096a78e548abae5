/**
 * Results of the bid benches, (window, channel, count, sum, max), reduced to figures that any engine can compute as it
 * emits rows and that do not depend on the order in which it does.
 *
 * Invariants
 *  1. Every value of every row reaches the checksum; rows are hashed one by one and the hashes added, so two outputs
 *     have the same checksum when they have the same rows with the same multiplicity, as if both had been sorted.
 *  2. count, sum and max are safe integers.
 */
export interface Checksum {
  rows: number;
  /** Two sums modulo 2^32 of independent 32-bit hashes of the rows. */
  low: number;
  high: number;
}

/** What every peer and the engine return for one file. */
export interface BidResult {
  /** Lines read, late ones among them. */
  readonly rows: number;
  /** Distinct windows that gave rows. */
  readonly windows: number;
  readonly late: number;
  readonly seconds: number;
  /** Of the rows out, late bids dropped; for DuckDB, which has no notion of late, with late bids counted in. */
  readonly checksum: string;
  readonly resultRows: number;
}

/** A bid that came too late, with what its window would have taken from it. */
export interface LateBid {
  readonly windowStart: number;
  readonly channel: string;
  readonly price: number;
}

export interface ChannelTotals {
  count: number;
  sum: number;
  max: number;
}

export const emptyChecksum = (): Checksum => ({ rows: 0, low: 0, high: 0 });

export const checksumText = ({ rows, low, high }: Checksum): string =>
  `${rows}-${high.toString(16).padStart(8, '0')}${low.toString(16).padStart(8, '0')}`;

export function addRow(checksum: Checksum, windowStart: number, channel: string, totals: ChannelTotals): void {
  let low = 0x811c9dc5;
  let high = 0x9747b28c;
  for (let i = 0; i < channel.length; i++) {
    const unit = channel.charCodeAt(i);
    low = Math.imul(low ^ unit, 0x01000193);
    high = Math.imul(high ^ unit, 0x5bd1e995) ^ (high >>> 15);
  }
  for (const value of [windowStart, totals.count, totals.sum, totals.max]) {
    const [lower, upper] = [value | 0, Math.floor(value / 2 ** 32) | 0];
    low = mixLow(mixLow(low, lower), upper);
    high = mixHigh(mixHigh(high, lower), upper);
  }
  checksum.rows++;
  checksum.low = (checksum.low + low) >>> 0;
  checksum.high = (checksum.high + high) >>> 0;
}

/** A result row as it lies in columns: bytes of the channel, and where its int64 values stand as pairs of words. */
export interface RowWords {
  readonly start: number;
  readonly count: number;
  readonly sum: number;
  readonly max: number;
}

/** As addRow, of the channel's bytes [from, to) (ASCII) and int64 values in memory. */
export function addRowBytes(
  checksum: Checksum,
  u8: Uint8Array,
  from: number,
  to: number,
  words: Int32Array,
  { start, count, sum, max }: RowWords,
): void {
  let low = 0x811c9dc5;
  let high = 0x9747b28c;
  for (let i = from; i < to; i++) {
    const unit = u8[i] ?? 0;
    low = Math.imul(low ^ unit, 0x01000193);
    high = Math.imul(high ^ unit, 0x5bd1e995) ^ (high >>> 15);
  }
  low = lowOf(lowOf(lowOf(lowOf(low, words, start), words, count), words, sum), words, max);
  high = highOf(highOf(highOf(highOf(high, words, start), words, count), words, sum), words, max);
  checksum.rows++;
  checksum.low = (checksum.low + low) >>> 0;
  checksum.high = (checksum.high + high) >>> 0;
}

const lowOf = (hash: number, words: Int32Array, at: number): number =>
  mixLow(mixLow(hash, words[at] ?? 0), words[at + 1] ?? 0);
const highOf = (hash: number, words: Int32Array, at: number): number =>
  mixHigh(mixHigh(hash, words[at] ?? 0), words[at + 1] ?? 0);

// One multiplication and one fold a word, with the constants of murmur3's finalizer.
function mixLow(hash: number, word: number): number {
  const mixed = Math.imul(hash ^ word, 0x85ebca6b);
  return mixed ^ (mixed >>> 13);
}

function mixHigh(hash: number, word: number): number {
  const mixed = Math.imul(hash ^ word, 0xc2b2ae35);
  return mixed ^ (mixed >>> 16);
}

/** Totals per channel per window, by the start of the window. */
export type WindowTotals = ReadonlyMap<number, ReadonlyMap<string, ChannelTotals>>;

export function checksumOf(windows: WindowTotals): Checksum {
  const checksum = emptyChecksum();
  for (const [start, channels] of windows) {
    for (const [channel, totals] of channels) addRow(checksum, start, channel, totals);
  }
  return checksum;
}

/** The totals as they would be had no bid been late: what an engine without lateness gives. */
export function withLateBids(windows: WindowTotals, late: readonly LateBid[]): WindowTotals {
  const all = new Map<number, Map<string, ChannelTotals>>();
  for (const [start, channels] of windows)
    all.set(start, new Map([...channels].map(([name, totals]) => [name, { ...totals }])));
  for (const { windowStart, channel, price } of late) {
    const channels = all.get(windowStart) ?? new Map<string, ChannelTotals>();
    const totals = channels.get(channel) ?? { count: 0, sum: 0, max: -Infinity };
    totals.count++;
    totals.sum += price;
    totals.max = Math.max(totals.max, price);
    channels.set(channel, totals);
    all.set(windowStart, channels);
  }
  return all;
}
