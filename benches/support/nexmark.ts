/**
 * Events of Nexmark, computed from their number alone: which kind, and of bids auction, bidder, price and time; and the order
 * in which they arrive here.
 *
 * Draws of event n are SplitMix64 from the state mix(n + 0x5EED); below(m) is the upper 31 bits times m, over 2^31. A bid
 * draws whether its auction is the hot one, else which; the same of its bidder; then its price. 64-bit words are pairs of
 * 32-bit ones: BigInt would cost more than the engine.
 *
 * Invariants
 *  1. Each event from FIRST on arrives once, in groups of GROUP that are shuffled; of each group one event arrives PART_LATE
 *     positions later, so that it is late for some windows, and one LATE positions later.
 *  2. Nothing depends on the events before.
 * Not here: persons and auctions but for their kind and time, texts.
 */
export const BASE_TIME = 1_600_000_000_000;
/** By event time. */
export const EVENTS_PER_S = 2_000;
export const PERSON = 0;
export const AUCTION = 1;
export const BID = 2;

const GROUP = 1_000;
const SHUFFLE = 953;
const PART_LATE = 16_000;
const LATE = 40_000;
/** Position of the first arrival: every event that arrives late has a number. */
export const FIRST = LATE;

/** Number of the event that arrives at a position, FIRST or later. */
export function numberAt(position: number): number {
  const place = position % GROUP;
  const shuffled = position - place + ((place * SHUFFLE) % GROUP);
  if (place === GROUP - 1) return shuffled - LATE;
  return place === GROUP / 2 - 1 ? shuffled - PART_LATE : shuffled;
}

export const timeOf = (n: number): number => BASE_TIME + Math.floor((n * 1000) / EVENTS_PER_S);

const STEPS = 6_000;
const PRICES = Uint32Array.from({ length: STEPS + 1 }, (_, i) => Math.round(10 ** (2 + i / 1_000)));
const GOLDEN = [0x9e3779b9, 0x7f4a7c15] as const;
const FIRST_FACTOR = [0xbf58476d, 0x1ce4e5b9] as const;
const SECOND_FACTOR = [0x94d049bb, 0x133111eb] as const;
const SEED = 0x5eed;
const HALF_RANGE = 2 ** 31;
const WORD = 2 ** 32;

/** Makes one event after the other into its fields; `auction`, `bidder` and `price` are 0 of what is no bid. */
export class EventMaker {
  kind = PERSON;
  auction = 0;
  bidder = 0;
  price = 0;
  #high = 0;
  #low = 0;
  /** What mix answered. */
  #mixedHigh = 0;
  #mixedLow = 0;

  make(n: number): void {
    const rest = n % 50;
    this.kind = rest < 1 ? PERSON : rest < 4 ? AUCTION : BID;
    this.auction = 0;
    this.bidder = 0;
    this.price = 0;
    if (this.kind === BID) this.#makeBid(n);
  }

  #makeBid(n: number): void {
    this.#seed(n);
    const epoch = Math.floor(n / 50);
    // Of every 50 events the first is a person and the next three are auctions, so a bid has seen all three.
    const lastAuction = epoch * 3 + 2;
    const oldest = Math.max(lastAuction - 100, 0);
    const auction =
      this.#below(2) > 0 ? Math.floor(lastAuction / 100) * 100 : oldest + this.#below(lastAuction - oldest + 11);
    const active = Math.min(epoch + 1, 1_000);
    const bidder =
      this.#below(4) > 0 ? Math.floor(epoch / 100) * 100 + 1 : epoch + 1 - active + this.#below(active + 10);
    const step = this.#below(STEPS);
    const price = PRICES[step] ?? 0;
    this.auction = 1_000 + auction;
    this.bidder = 1_000 + bidder;
    this.price = price + this.#below(Math.max((PRICES[step + 1] ?? 0) - price, 1));
  }

  #seed(n: number): void {
    const seed = n + SEED;
    this.#mix(Math.floor(seed / WORD), seed >>> 0);
    this.#high = this.#mixedHigh;
    this.#low = this.#mixedLow;
  }

  /** Exact while m is below 2^22. */
  #below(m: number): number {
    const low = this.#low + GOLDEN[1];
    this.#high = (this.#high + GOLDEN[0] + (low >= WORD ? 1 : 0)) >>> 0;
    this.#low = low >>> 0;
    this.#mix(this.#high, this.#low);
    return Math.floor(((this.#mixedHigh >>> 1) * m) / HALF_RANGE);
  }

  #mix(high: number, low: number): void {
    this.#times(high ^ (high >>> 30), low ^ ((low >>> 30) | (high << 2)), FIRST_FACTOR);
    const [h, l] = [this.#mixedHigh, this.#mixedLow];
    this.#times(h ^ (h >>> 27), l ^ ((l >>> 27) | (h << 5)), SECOND_FACTOR);
    const [top, bottom] = [this.#mixedHigh, this.#mixedLow];
    this.#mixedHigh = (top ^ (top >>> 31)) >>> 0;
    this.#mixedLow = (bottom ^ ((bottom >>> 31) | (top << 1))) >>> 0;
  }

  /** The low 64 bits of a product. */
  #times(high: number, low: number, [factorHigh, factorLow]: readonly [number, number]): void {
    const [a0, a1] = [low & 0xffff, low >>> 16];
    const [b0, b1] = [factorLow & 0xffff, factorLow >>> 16];
    const middle = a0 * b1 + a1 * b0 + ((a0 * b0) >>> 16);
    const carried = a1 * b1 + Math.floor(middle / 0x10000);
    this.#mixedHigh = (carried + Math.imul(high, factorLow) + Math.imul(low, factorHigh)) >>> 0;
    this.#mixedLow = Math.imul(low, factorLow) >>> 0;
  }
}
