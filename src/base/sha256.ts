/**
 * SHA-256 of bytes (FIPS 180-4), at once and without a promise: hosts offer it only asynchronously.
 *
 * The constants are those of the standard, computed as it defines them: the first 32 bits of the fractions of the square
 * roots of the first 8 primes and of the cube roots of the first 64.
 */
const ROUNDS = 64;
const BLOCK_BYTES = 64;
export const SHA256_BYTES = 32;

const PRIMES = firstPrimes(ROUNDS);
const fraction = (x: number): number => Math.floor((x - Math.floor(x)) * 2 ** 32) | 0;
const START = Int32Array.from(PRIMES.slice(0, 8), (prime) => fraction(Math.sqrt(prime)));
const K = Int32Array.from(PRIMES, (prime) => fraction(Math.cbrt(prime)));

function firstPrimes(count: number): readonly number[] {
  const primes: number[] = [];
  for (let n = 2; primes.length < count; n++) if (primes.every((prime) => n % prime !== 0)) primes.push(n);
  return primes;
}

/** Where what is hashed is padded; grows with the longest. */
let room = new DataView(new ArrayBuffer(4 * BLOCK_BYTES));

/** The hash of all parts, one behind the other. */
export function sha256(...parts: readonly Uint8Array[]): Uint8Array {
  let length = 0;
  for (const part of parts) length += part.length;
  const padded = Math.ceil((length + 9) / BLOCK_BYTES) * BLOCK_BYTES;
  if (padded > room.byteLength) room = new DataView(new ArrayBuffer(padded * 2));
  const bytes = new Uint8Array(room.buffer, 0, padded);
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  bytes.fill(0, length);
  bytes[length] = 0x80;
  room.setUint32(padded - 8, Math.floor(length / 2 ** 29));
  room.setUint32(padded - 4, (length << 3) >>> 0);
  const state = START.slice();
  for (let block = 0; block < padded; block += BLOCK_BYTES) compress(state, room, block);
  const hash = new DataView(new ArrayBuffer(SHA256_BYTES));
  for (let i = 0; i < state.length; i++) hash.setInt32(i * 4, state[i] ?? 0);
  return new Uint8Array(hash.buffer);
}

const turned = (x: number, bits: number): number => (x >>> bits) | (x << (32 - bits));
const words = new Int32Array(ROUNDS);

function spread(view: DataView, block: number): void {
  for (let i = 0; i < 16; i++) words[i] = view.getInt32(block + i * 4);
  for (let i = 16; i < ROUNDS; i++) {
    const [x, y] = [words[i - 15] ?? 0, words[i - 2] ?? 0];
    const low = turned(x, 7) ^ turned(x, 18) ^ (x >>> 3);
    const high = turned(y, 17) ^ turned(y, 19) ^ (y >>> 10);
    words[i] = (words[i - 16] ?? 0) + low + (words[i - 7] ?? 0) + high;
  }
}

function compress(state: Int32Array, view: DataView, block: number): void {
  spread(view, block);
  let [a = 0, b = 0, c = 0, d = 0, e = 0, f = 0, g = 0, h = 0] = state;
  for (let i = 0; i < ROUNDS; i++) {
    const high = turned(e, 6) ^ turned(e, 11) ^ turned(e, 25);
    const one = (h + high + ((e & f) ^ (~e & g)) + (K[i] ?? 0) + (words[i] ?? 0)) | 0;
    const low = turned(a, 2) ^ turned(a, 13) ^ turned(a, 22);
    const two = (low + ((a & b) ^ (a & c) ^ (b & c))) | 0;
    h = g;
    g = f;
    f = e;
    e = (d + one) | 0;
    d = c;
    c = b;
    b = a;
    a = (one + two) | 0;
  }
  const mixed = [a, b, c, d, e, f, g, h];
  for (let i = 0; i < mixed.length; i++) state[i] = (state[i] ?? 0) + (mixed[i] ?? 0);
}

/** Bytes as lower-case hexadecimal. */
export function hexOf(bytes: Uint8Array): string {
  let text = '';
  for (let i = 0; i < bytes.length; i++) text += HEX[bytes[i] ?? 0] ?? '';
  return text;
}

const HEX = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0'));
