/**
 * A digest of result rows of up to five numbers, which does not depend on their order: rows are hashed one by one and the
 * hashes added, so two outputs with the same digest have the same rows with the same multiplicity.
 */
export interface Digest {
  rows: number;
  /** Of all hashes of rows, modulo 2^32. */
  sum: number;
}

export const emptyDigest = (): Digest => ({ rows: 0, sum: 0 });
export const digestText = ({ rows, sum }: Digest): string => `${rows}-${sum.toString(16)}`;

/** Values are safe integers. */
export function addRow(digest: Digest, key: number, start: number, end: number, first: number, second = 0): void {
  digest.rows++;
  const hash = mixed(mixed(mixed(mixed(mixed(0x9747b28c, key), start), end), first), second);
  digest.sum = (digest.sum + hash) >>> 0;
}

const mixed = (hash: number, value: number): number =>
  mixWord(mixWord(hash, value | 0), Math.floor(value / 2 ** 32) | 0);

/** murmur3's step. */
function mixWord(hash: number, word: number): number {
  let k = Math.imul(word, 0xcc9e2d51);
  k = Math.imul((k << 15) | (k >>> 17), 0x1b873593);
  const next = hash ^ k;
  return (Math.imul((next << 13) | (next >>> 19), 5) + 0xe6546b64) | 0;
}
