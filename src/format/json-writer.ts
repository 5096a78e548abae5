/**
 * JSON values as bytes, into a buffer that grows. Every function makes the room it needs, so none can write past the
 * end.
 *
 * The spellings are those of JSON.stringify, byte for byte, for what it can express.
 */
const FIRST_BYTES = 64 * 1024;
const DAY_MS = 86_400_000;
const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const ZERO = 0x30;
/** Strings up to here are copied byte by byte; longer ones are looked through and then copied as a whole. */
const SHORT_BYTES_MAX = 24;

/** What follows a backslash for each byte that must be escaped; 0 for those that need no escape, 'u' for \u00XX. */
const ESCAPES = new Uint8Array(256);
ESCAPES.fill(0x75, 0, 32);
ESCAPES[QUOTE] = QUOTE;
ESCAPES[BACKSLASH] = BACKSLASH;
for (const [byte, letter] of [
  [8, 'b'],
  [9, 't'],
  [10, 'n'],
  [12, 'f'],
  [13, 'r'],
] as const)
  ESCAPES[byte] = letter.charCodeAt(0);

const codesOf = (text: string): Uint8Array<ArrayBuffer> => Uint8Array.from(text, (letter) => letter.charCodeAt(0));
const HEX = codesOf('0123456789abcdef');
const BASE64 = codesOf('ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/');
const PADDING = 0x3d;
const NULL = codesOf('null');
const TRUE = codesOf('true');
const FALSE = codesOf('false');
/** '00' to '99' as pairs. */
const PAIRS = codesOf(Array.from({ length: 100 }, (_, i) => String(i).padStart(2, '0')).join(''));

export class JsonWriter {
  #bytes = new Uint8Array(FIRST_BYTES);
  #at = 0;
  #dayNumber = Number.NaN;
  /** '"2001-01-03T' of the last day written. */
  #day = new Uint8Array(0);

  get length(): number {
    return this.#at;
  }

  /** The bytes written so far; the caller owns them. */
  take(): Uint8Array {
    const taken = this.#bytes.subarray(0, this.#at);
    this.#bytes = new Uint8Array(Math.max(FIRST_BYTES, this.#at + (this.#at >> 2)));
    this.#at = 0;
    return taken;
  }

  #reserve(bytes: number): void {
    if (this.#at + bytes <= this.#bytes.length) return;
    const larger = new Uint8Array(Math.max(this.#bytes.length * 2, this.#at + bytes));
    larger.set(this.#bytes.subarray(0, this.#at));
    this.#bytes = larger;
  }

  byte(value: number): void {
    this.#reserve(1);
    this.#bytes[this.#at++] = value;
  }

  raw(from: Uint8Array): void {
    this.#reserve(from.length);
    const to = this.#bytes;
    let at = this.#at;
    for (let i = 0; i < from.length; i++) to[at++] = from[i] ?? 0;
    this.#at = at;
  }

  /** Bytes [start, end) of `from`, as they are. */
  copy(from: Uint8Array, start: number, end: number): void {
    this.#reserve(end - start);
    this.#bytes.set(from.subarray(start, end), this.#at);
    this.#at += end - start;
  }

  /** Text of ASCII characters that need no escape. */
  ascii(text: string): void {
    this.#reserve(text.length);
    for (let i = 0; i < text.length; i++) this.#bytes[this.#at++] = text.charCodeAt(i);
  }

  null(): void {
    this.raw(NULL);
  }

  boolean(value: boolean): void {
    this.raw(value ? TRUE : FALSE);
  }

  /** A safe integer. */
  integer(value: number): void {
    this.#reserve(20);
    if (value < 0) this.#bytes[this.#at++] = 0x2d;
    this.#digits(Math.abs(value));
  }

  #digits(value: number): void {
    const length = digitCount(value);
    let high = value;
    let at = this.#at + length;
    this.#at = at;
    while (high >= 1e9) {
      const next = Math.floor(high / 1e8);
      at = this.#block(high - next * 1e8, at, 8);
      high = next;
    }
    this.#block(high, at, at - (this.#at - length));
  }

  /** The last `digits` digits of `value` (below 2^31), ending before `at`; where they start. */
  #block(value: number, at: number, digits: number): number {
    const bytes = this.#bytes;
    const start = at - digits;
    let rest = value | 0;
    let end = at;
    while (end - start >= 2) {
      const next = (rest / 100) | 0;
      const pair = (rest - next * 100) * 2;
      bytes[--end] = PAIRS[pair + 1] ?? 0;
      bytes[--end] = PAIRS[pair] ?? 0;
      rest = next;
    }
    if (end > start) bytes[start] = ZERO + rest;
    return start;
  }

  number(value: number): void {
    if (Number.isSafeInteger(value)) {
      this.integer(value);
      return;
    }
    if (!Number.isFinite(value)) {
      this.null();
      return;
    }
    if (!this.#decimal(value)) this.ascii(String(value));
  }

  /**
   * A number of few decimals without going through a string. At most 15 digits in all name one double only, so when
   * `scaled / 10^6` is the value again, these digits without trailing zeros are its shortest spelling.
   */
  #decimal(value: number): boolean {
    const size = Math.abs(value);
    if (size >= 1e9 || size < 1e-6) return false;
    const scaled = Math.round(size * 1e6);
    if (scaled / 1e6 !== size) return false;
    this.#reserve(20);
    if (value < 0) this.#bytes[this.#at++] = 0x2d;
    const whole = Math.floor(scaled / 1e6);
    this.#digits(whole);
    this.#bytes[this.#at++] = 0x2e;
    this.#block(scaled - whole * 1e6, this.#at + 6, 6);
    this.#at += 6;
    while (this.#bytes[this.#at - 1] === ZERO) this.#at--;
    return true;
  }

  /**
   * ISO-8601 text in UTC; `micros` from 0 to 999 adds three more digits, -1 none. False: beyond the dates that can be
   * named.
   */
  timestamp(ms: number, micros: number): boolean {
    const dayNumber = Math.floor(ms / DAY_MS);
    if (dayNumber !== this.#dayNumber && !this.#setDay(dayNumber)) return false;
    this.#reserve(48);
    this.raw(this.#day);
    const inDay = ms - dayNumber * DAY_MS;
    const second = Math.floor(inDay / 1000);
    const minute = (second / 60) | 0;
    const hour = (minute / 60) | 0;
    this.#two(hour, 0x3a);
    this.#two(minute - hour * 60, 0x3a);
    this.#two(second - minute * 60, 0x2e);
    this.#at = this.#block(inDay - second * 1000, this.#at + 3, 3) + 3;
    if (micros >= 0) this.#at = this.#block(micros, this.#at + 3, 3) + 3;
    this.#bytes[this.#at++] = 0x5a;
    this.#bytes[this.#at++] = QUOTE;
    return true;
  }

  #two(value: number, after: number): void {
    const bytes = this.#bytes;
    bytes[this.#at++] = PAIRS[value * 2] ?? 0;
    bytes[this.#at++] = PAIRS[value * 2 + 1] ?? 0;
    bytes[this.#at++] = after;
  }

  #setDay(dayNumber: number): boolean {
    const start = new Date(dayNumber * DAY_MS);
    if (Number.isNaN(start.getTime())) return false;
    this.#dayNumber = dayNumber;
    const text = start.toISOString();
    this.#day = codesOf(`"${text.slice(0, text.indexOf('T') + 1)}`);
    return true;
  }

  /** UTF-8 bytes [start, end) of `from` as a JSON string. */
  string(from: Uint8Array, start: number, end: number): void {
    // An escape takes at most six bytes.
    this.#reserve((end - start) * 6 + 2);
    const to = this.#bytes;
    to[this.#at++] = QUOTE;
    if (end - start <= SHORT_BYTES_MAX) this.#escape(from, start, end);
    else {
      const plain = plainLength(from, start, end);
      to.set(from.subarray(start, start + plain), this.#at);
      this.#at += plain;
      this.#escape(from, start + plain, end);
    }
    to[this.#at++] = QUOTE;
  }

  #escape(from: Uint8Array, start: number, end: number): void {
    const to = this.#bytes;
    let at = this.#at;
    for (let i = start; i < end; i++) {
      const byte = from[i] ?? 0;
      const escape = ESCAPES[byte] ?? 0;
      if (escape === 0) {
        to[at++] = byte;
        continue;
      }
      to[at++] = BACKSLASH;
      to[at++] = escape;
      if (escape !== 0x75) continue;
      to[at++] = ZERO;
      to[at++] = ZERO;
      to[at++] = HEX[byte >> 4] ?? 0;
      to[at++] = HEX[byte & 15] ?? 0;
    }
    this.#at = at;
  }

  /** Bytes [start, end) of `from`, which are JSON, on one line: line breaks between tokens become spaces. */
  json(from: Uint8Array, start: number, end: number): void {
    this.#reserve(end - start);
    const to = this.#bytes;
    for (let i = start; i < end; i++) {
      const byte = from[i] ?? 0;
      to[this.#at++] = byte === 0x0a || byte === 0x0d ? 0x20 : byte;
    }
  }

  base64(from: Uint8Array, start: number, end: number): void {
    this.#reserve(Math.ceil((end - start) / 3) * 4 + 2);
    const to = this.#bytes;
    let at = this.#at;
    to[at++] = QUOTE;
    for (let i = start; i < end; i += 3) {
      const left = end - i;
      const bits =
        ((from[i] ?? 0) << 16) | (left > 1 ? (from[i + 1] ?? 0) << 8 : 0) | (left > 2 ? (from[i + 2] ?? 0) : 0);
      to[at++] = BASE64[bits >> 18] ?? 0;
      to[at++] = BASE64[(bits >> 12) & 63] ?? 0;
      to[at++] = left > 1 ? (BASE64[(bits >> 6) & 63] ?? 0) : PADDING;
      to[at++] = left > 2 ? (BASE64[bits & 63] ?? 0) : PADDING;
    }
    to[at++] = QUOTE;
    this.#at = at;
  }
}

function plainLength(from: Uint8Array, start: number, end: number): number {
  let i = start;
  while (i < end && ESCAPES[from[i] ?? 0] === 0) i++;
  return i - start;
}

function digitCount(value: number): number {
  let count = 1;
  for (let power = 10; value >= power; power *= 10) count++;
  return count;
}
