import { describe, expect, test } from 'vitest';
import { UserError } from '../../../src/base/errors.ts';
import type { Json } from '../../../src/base/json.ts';
import { Checksum } from '../../../src/kernel/checksum.ts';
import {
  DamagedManifest,
  decodeManifest,
  encodeManifest,
  FORMAT_VERSION,
  isManifestName,
  isSegmentName,
  type Manifest,
  manifestName,
  segmentName,
} from '../../../src/state/manifest.ts';
import { ShapeError } from '../../../src/state/shape.ts';
import { newKernels } from '../../support/kernels.ts';

const MANIFEST: Manifest = {
  job: 'flights per hour',
  checkpoint: 12,
  epoch: 3,
  takenAt: 1_700_000_000_123,
  finished: false,
  segments: [
    { name: segmentName(2, 11), bytes: 1234, frames: 2, checkpoint: 11 },
    { name: segmentName(3, 12), bytes: 0, frames: 1, checkpoint: 12 },
  ],
  arena: { names: ['windows'] },
  sources: {
    flights: {
      splits: { 'a.ndjson': { offset: 1, position: 1, max: -5, ended: false } },
      current: null,
      turnEnd: 262144,
    },
  },
  operators: { windows: { watermark: -9007199254740991 }, 'naïve "uid"': null },
  sinks: { out: [{ parts: [], next: 1 }, 'text', 7, true, null] },
  ledgers: { windows: { in: 5, out: 0, held: 5 } },
  kinds: { flights: 'source', windows: 'windowAggregate', out: 'sink', __proto__of: 'filter' },
  states: { windows: { key: 'origin utf8', window: 'tumbling 1 hour' }, flights: {} },
};

async function checksum(): Promise<(bytes: Uint8Array) => string> {
  const made = new Checksum(await newKernels());
  return (bytes) => made.ofBytes(bytes);
}

const text = new TextEncoder();

describe('a manifest', () => {
  test('reads back as it was written', async () => {
    const sum = await checksum();
    expect(decodeManifest(encodeManifest(MANIFEST, sum), sum, 'here')).toEqual(MANIFEST);
  });

  test('of a version that did not say what state is of reads as one that says nothing', async () => {
    const sum = await checksum();
    const { states: _, ...older } = MANIFEST;
    const body = text.encode(JSON.stringify(older));
    const bytes = new Uint8Array([...text.encode(`millrace checkpoint ${FORMAT_VERSION}\n${sum(body)}\n`), ...body]);
    expect(decodeManifest(bytes, sum, 'here')).toEqual({ ...MANIFEST, states: {} });
  });

  test('keeps uids that are names of properties of every object', async () => {
    const sum = await checksum();
    const odd: Record<string, Json> = JSON.parse('{"__proto__":1,"constructor":2,"toString":3}');
    const { operators } = decodeManifest(encodeManifest({ ...MANIFEST, operators: odd }, sum), sum, 'here');
    expect(Object.keys(operators)).toEqual(['__proto__', 'constructor', 'toString']);
    expect(Object.getPrototypeOf(operators)).toBeNull();
  });

  test('is refused with any one of its bits inverted', async () => {
    const sum = await checksum();
    const bytes = encodeManifest(MANIFEST, sum);
    const versions: number[] = [];
    for (let at = 0; at < bytes.length; at++) {
      for (let bit = 0; bit < 8; bit++) {
        const damaged = bytes.slice();
        damaged[at] = (damaged[at] ?? 0) ^ (1 << bit);
        try {
          decodeManifest(damaged, sum, 'here');
        } catch (error) {
          if (error instanceof UserError && error.code === 'E1403') versions.push(at);
          else if (!(error instanceof DamagedManifest))
            throw new Error(`bit ${bit} of byte ${at}: ${String(error)}`, { cause: error });
          continue;
        }
        throw new Error(`bit ${bit} of byte ${at} is accepted`);
      }
    }
    // Other digits at the place of the version are another version: nothing covers it, so that it can be told first.
    expect(new Set(versions)).toEqual(new Set(['millrace checkpoint '.length]));
  });

  test('is refused when anything is cut off or added', async () => {
    const sum = await checksum();
    const bytes = encodeManifest(MANIFEST, sum);
    for (let length = 0; length < bytes.length; length++) {
      expect(() => decodeManifest(bytes.subarray(0, length), sum, 'here'), `${length} bytes`).toThrow(DamagedManifest);
    }
    expect(() => decodeManifest(new Uint8Array([...bytes, 32]), sum, 'here')).toThrow(DamagedManifest);
  });

  test('of another version is told apart from a damaged one, with both versions', async () => {
    const sum = await checksum();
    const other = text.encode(
      `millrace checkpoint ${FORMAT_VERSION + 1}\n0123456789abcdef\nwhatever that version holds`,
    );
    expect(() => decodeManifest(other, sum, 'the place')).toThrow(
      expect.objectContaining({
        code: 'E1403',
        message: expect.stringMatching(
          `the place has format version ${FORMAT_VERSION + 1}; .* reads ${FORMAT_VERSION}`,
        ),
      }),
    );
  });

  test('whose checksum matches is refused all the same when it has another shape', async () => {
    const sum = await checksum();
    const broken: unknown[] = [
      null,
      [],
      {},
      { ...MANIFEST, checkpoint: '12' },
      { ...MANIFEST, segments: [{ name: 'a', bytes: 1, frames: 1 }] },
      { ...MANIFEST, sinks: { out: {} } },
      { ...MANIFEST, ledgers: { windows: { in: null } } },
    ];
    for (const value of broken) {
      const body = text.encode(JSON.stringify(value));
      const bytes = new Uint8Array([...text.encode(`millrace checkpoint ${FORMAT_VERSION}\n${sum(body)}\n`), ...body]);
      expect(() => decodeManifest(bytes, sum, 'here'), JSON.stringify(value).slice(0, 60)).toThrow(ShapeError);
    }
  });
});

describe('names', () => {
  test('sort by epoch, then checkpoint', () => {
    const names = [manifestName(2, 1), manifestName(1, 99), manifestName(1, 100), manifestName(10, 0)];
    expect(names.toSorted()).toEqual([
      manifestName(1, 99),
      manifestName(1, 100),
      manifestName(2, 1),
      manifestName(10, 0),
    ]);
  });

  test('tell manifests from segments and from anything else', () => {
    expect(
      [manifestName(1, 2), segmentName(1, 2), 'checkpoint-1-2', `${manifestName(1, 2)}.tmp`, 'OWNER'].map((name) => [
        isManifestName(name),
        isSegmentName(name),
      ]),
    ).toEqual([
      [true, false],
      [false, true],
      [false, false],
      [false, false],
      [false, false],
    ]);
  });
});
