/** XXH64 with seed 0 in BigInt, from the published specification. */
const MASK = (1n << 64n) - 1n;
const P1 = 0x9e3779b185ebca87n;
const P2 = 0xc2b2ae3d27d4eb4fn;
const P3 = 0x165667b19e3779f9n;
const P4 = 0x85ebca77c2b2ae63n;
const P5 = 0x27d4eb2f165667c5n;

const rotate = (x: bigint, r: bigint): bigint => ((x << r) | (x >> (64n - r))) & MASK;
const round = (acc: bigint, word: bigint): bigint => (rotate((acc + word * P2) & MASK, 31n) * P1) & MASK;

function word(bytes: Uint8Array, at: number, length: number): bigint {
  let value = 0n;
  for (let i = length - 1; i >= 0; i--) value = (value << 8n) | BigInt(bytes[at + i] ?? 0);
  return value;
}

export function xxh64(bytes: Uint8Array): bigint {
  let at = 0;
  let h = P5;
  if (bytes.length >= 32) {
    const lanes = [(P1 + P2) & MASK, P2, 0n, -P1 & MASK];
    for (; bytes.length - at >= 32; at += 32)
      lanes.forEach((lane, i) => {
        lanes[i] = round(lane, word(bytes, at + i * 8, 8));
      });
    h = [1n, 7n, 12n, 18n].reduce((sum, r, i) => sum + rotate(lanes[i] ?? 0n, r), 0n) & MASK;
    for (const lane of lanes) h = ((h ^ round(0n, lane)) * P1 + P4) & MASK;
  }
  h = (h + BigInt(bytes.length)) & MASK;
  for (; bytes.length - at >= 8; at += 8) h = (rotate(h ^ round(0n, word(bytes, at, 8)), 27n) * P1 + P4) & MASK;
  if (bytes.length - at >= 4) {
    h = (rotate(h ^ ((word(bytes, at, 4) * P1) & MASK), 23n) * P2 + P3) & MASK;
    at += 4;
  }
  for (; at < bytes.length; at++) h = (rotate(h ^ ((word(bytes, at, 1) * P5) & MASK), 11n) * P1) & MASK;
  h = ((h ^ (h >> 33n)) * P2) & MASK;
  h = ((h ^ (h >> 29n)) * P3) & MASK;
  return h ^ (h >> 32n);
}
