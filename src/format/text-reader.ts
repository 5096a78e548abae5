/**
 * UTF-8 bytes to strings, with a small cache: a string that repeats is compared with the bytes instead of made again.
 *
 * Invariant: the cache is a hint. What it holds is compared byte by byte before it is answered.
 */
const CACHE_ENTRIES = 1024;
/** Longer strings rarely repeat, and comparing them costs as much as making them. */
const CACHED_BYTES_MAX = 48;
/** Up to here, putting characters together beats a call of the decoder. */
const SHORT_BYTES_MAX = 24;

export class TextReader {
  readonly #cache: (string | undefined)[] = Array.from({ length: CACHE_ENTRIES });
  readonly #decoder = new TextDecoder('utf-8', { ignoreBOM: true });

  /** The text of bytes [start, end). Bytes that are not UTF-8 read as U+FFFD. */
  read(u8: Uint8Array, start: number, end: number): string {
    const length = end - start;
    if (length === 0) return '';
    if (length > CACHED_BYTES_MAX) return this.#decoder.decode(u8.subarray(start, end));
    const slot = slotOf(u8, start, length);
    const cached = this.#cache[slot];
    if (cached !== undefined && cached.length === length && sameAscii(cached, u8, start)) return cached;
    const text = this.make(u8, start, end);
    this.#cache[slot] = text;
    return text;
  }

  /** As `read`, for texts that are not expected to repeat. */
  make(u8: Uint8Array, start: number, end: number): string {
    return shortAscii(u8, start, end) ?? this.#decoder.decode(u8.subarray(start, end));
  }
}

/** A slot by length, first, middle and last four bytes. */
function slotOf(u8: Uint8Array, start: number, length: number): number {
  let hash = length;
  const middle = start + (length >> 1);
  const last = start + length - 1;
  hash = Math.imul(hash ^ (u8[start] ?? 0), 0x01000193);
  hash = Math.imul(hash ^ (u8[middle] ?? 0), 0x01000193);
  for (let i = Math.max(start, last - 3); i <= last; i++) hash = Math.imul(hash ^ (u8[i] ?? 0), 0x01000193);
  return (hash ^ (hash >>> 15)) & (CACHE_ENTRIES - 1);
}

/**
 * Whether `text` is the ASCII bytes at `start`; a text with other characters never is, as its length differs in bytes.
 */
function sameAscii(text: string, u8: Uint8Array, start: number): boolean {
  for (let i = 0; i < text.length; i++) {
    const byte = u8[start + i] ?? 0;
    if (byte > 127 || text.charCodeAt(i) !== byte) return false;
  }
  return true;
}

function shortAscii(u8: Uint8Array, start: number, end: number): string | undefined {
  if (end - start > SHORT_BYTES_MAX) return undefined;
  let all = 0;
  for (let i = start; i < end; i++) all |= u8[i] ?? 0;
  if (all > 127) return undefined;
  let text = '';
  let i = start;
  for (; i + 8 <= end; i += 8) text += eight(u8, i);
  for (; i < end; i++) text += String.fromCharCode(u8[i] ?? 0);
  return text;
}

/** One call for eight characters: a string for each would be made and thrown away. */
const eight = (u8: Uint8Array, i: number): string =>
  String.fromCharCode(
    u8[i] ?? 0,
    u8[i + 1] ?? 0,
    u8[i + 2] ?? 0,
    u8[i + 3] ?? 0,
    u8[i + 4] ?? 0,
    u8[i + 5] ?? 0,
    u8[i + 6] ?? 0,
    u8[i + 7] ?? 0,
  );
