import { describe, expect, test } from 'vitest';
import { below, seededRandom } from '../../../src/base/random.ts';
import {
  DamagedManifest, decodeManifest, encodeManifest, isManifestName, isSegmentName, type Manifest, manifestName, segmentName,
} from '../../../src/state/manifest.ts';

/** Any function of all bytes does: the format does not care which. */
const checksum = (bytes: Uint8Array): string =>
  bytes.reduce((sum, byte) => (Math.imul(sum, 31) + byte) >>> 0, 7).toString(16).padStart(16, '0');

const manifest: Manifest = {
  job: 'größe', checkpoint: 7, epoch: 2, takenAt: 1_000, finished: false,
  segments: [{ name: segmentName(1, 6), bytes: 12, frames: 1, checkpoint: 6 }],
  arena: { names: ['a'] }, sources: { s: { offset: [1, null] } }, operators: { w: null }, sinks: { out: [{ part: 3 }] },
  ledgers: { w: { in: 4, held: 4 } }, kinds: { w: 'windowAggregate' },
};
const decode = (bytes: Uint8Array): Manifest => decodeManifest(bytes, checksum, 'the test');

describe('a manifest', () => {
  test('comes back from its bytes as it was', () => {
    expect(decode(encodeManifest(manifest, checksum))).toEqual(manifest);
  });

  test('keeps uids that are names of things in JavaScript', () => {
    const odd = { ...manifest, kinds: JSON.parse('{"__proto__":"sink","constructor":"source"}') };
    expect(Object.entries(decode(encodeManifest(odd, checksum)).kinds)).toEqual([['__proto__', 'sink'], ['constructor', 'source']]);
  });

  test('is refused with any byte changed, and when it is cut anywhere', () => {
    const bytes = encodeManifest(manifest, checksum);
    const random = seededRandom(1);
    for (let at = 0; at < bytes.length; at++) {
      const changed = bytes.slice();
      changed[at] = (changed[at] ?? 0) ^ (1 << below(random, 8));
      expect(() => decode(changed), `byte ${at} changed`).toThrow();
      expect(() => decode(bytes.slice(0, at)), `cut to ${at}`).toThrow(DamagedManifest);
    }
  });

  test('of another format version is told apart from a damaged one', () => {
    const text = new TextDecoder().decode(encodeManifest(manifest, checksum));
    const other = new TextEncoder().encode(text.replace('checkpoint 1\n', 'checkpoint 2\n'));
    expect(() => decode(other)).toThrow(expect.objectContaining({ code: 'E1403' }));
  });

  test('whose checksum is right but which lacks a field is refused with the name of the field', () => {
    const { ledgers: _ledgers, ...rest } = manifest;
    const body = new TextEncoder().encode(JSON.stringify(rest));
    const head = new TextEncoder().encode(`millrace checkpoint 1\n${checksum(body)}\n`);
    expect(() => decode(new Uint8Array([...head, ...body]))).toThrow(/ledgers is not an object/);
  });
});

describe('names', () => {
  test('sort by epoch, then by checkpoint, as numbers', () => {
    const names = [[1, 9], [1, 10], [2, 1], [10, 0]].map(([epoch = 0, checkpoint = 0]) => manifestName(epoch, checkpoint));
    expect([...names].sort()).toEqual(names);
  });

  test('of manifests and segments are told apart from each other and from anything else', () => {
    expect([manifestName(1, 2), segmentName(1, 2), 'checkpoint-1-2'].map(isManifestName)).toEqual([true, false, false]);
    expect([manifestName(1, 2), segmentName(1, 2), `${segmentName(1, 2)}.tmp`].map(isSegmentName)).toEqual([false, true, false]);
  });
});
