import { describe, expect, test } from 'vitest';
import { below, seededRandom } from '../../../../src/base/random.ts';
import { collectSink } from '../../../../src/format/collect-sink.ts';
import { count, from, type Job, job, monotonous, schema, timestamp, tumbling, utf8 } from '../../../../src/index.ts';
import { UserError } from '../../../../src/base/errors.ts';
import { JobRun, makeSink } from '../../../../src/platform.ts';
import { restoreLatest } from '../../../../src/runtime/checkpoint/restore.ts';
import { StateArena } from '../../../../src/state/arena.ts';
import { Checksum } from '../../../../src/kernel/checksum.ts';
import {
  decodeManifest,
  encodeManifest,
  isManifestName,
  isSegmentName,
  type Manifest,
} from '../../../../src/state/manifest.ts';
import { memoryFiles } from '../../../../src/testing/memory-files.ts';
import { MemoryMedium, MemoryStore } from '../../../../src/testing/memory-store.ts';
import { drive, type Driven, sharedKernels, TEST_SETTINGS, TickingClock } from '../../../support/engine.ts';

const ROW = schema({ at: timestamp(), key: utf8() });
const LINES = Array.from({ length: 900 }, (_, i) => `{"at":${i * 10},"key":"key ${(i * 7) % 130}"}\n`).join('');
const FILES = { a: new TextEncoder().encode(LINES) };
const RETAINED = 3;

function countsJob(clock: TickingClock, uids: { readonly window?: string; readonly source?: string } = {}): Job {
  const rows = from(memoryFiles(FILES, ROW, { clock }), { uid: uids.source ?? 'files' }).watermark('at', monotonous());
  const counts = rows
    .keyBy('key')
    .window(tumbling('2 s'))
    .aggregate({ rows: count() }, { uid: uids.window ?? 'counts' });
  return job('counts', counts.to(makeSink('inserts only', collectSink(), 'results'), { uid: 'out' }));
}

/** A store that holds several checkpoints of a job that was killed. */
async function killed(): Promise<MemoryMedium> {
  const clock = new TickingClock(0.5);
  const medium = new MemoryMedium();
  const { end } = await drive({
    job: countsJob(clock),
    medium,
    clock,
    settings: { batchRows: 8, chunkBytes: 300, checkpointEveryMs: 15, retained: RETAINED },
    stop: { how: 'kill', when: ({ checkpoints }) => checkpoints.completed >= 8 },
  });
  expect(end).toBe('killed');
  return medium;
}

const start = (medium: MemoryMedium, made?: Job, name?: string): Promise<Driven> => {
  const clock = new TickingClock();
  return drive({
    job: made ?? countsJob(clock),
    medium,
    clock,
    settings: { retained: RETAINED },
    ...(name === undefined ? {} : { name }),
  });
};

const namesOf = (medium: MemoryMedium, is: (name: string) => boolean): string[] =>
  [...medium.blobs.keys()].filter(is).toSorted();

async function manifestsOf(medium: MemoryMedium): Promise<Map<string, Manifest>> {
  const checksum = new Checksum(await sharedKernels());
  return new Map(
    namesOf(medium, isManifestName).map((name) => [
      name,
      decodeManifest(medium.blobs.get(name)?.bytes ?? new Uint8Array(0), (body) => checksum.ofBytes(body), name),
    ]),
  );
}

const DAMAGES = {
  'a flipped bit': (medium: MemoryMedium, name: string) =>
    medium.flip(name, (medium.blobs.get(name)?.bytes.length ?? 0) >> 1, 0x10),
  'a cut': (medium: MemoryMedium, name: string) =>
    medium.truncate(name, (medium.blobs.get(name)?.bytes.length ?? 0) >> 1),
  'nothing left': (medium: MemoryMedium, name: string) => medium.truncate(name, 0),
  'a loss': (medium: MemoryMedium, name: string) => medium.lose(name),
} as const;

async function expectWhole({ end, run }: Driven): Promise<void> {
  expect(end).toBe('finished');
  expect(run.ledger()['counts']).toMatchObject({ in: 900, released: 900, held: 0, late: 0 });
}

describe('a restore', () => {
  test('of an empty store starts anew', async () => {
    const driven = await start(new MemoryMedium());
    expect(driven.run.restoredFrom).toBeUndefined();
    await expectWhole(driven);
  });

  test('takes the newest checkpoint', async () => {
    const medium = await killed();
    const newest = [...(await manifestsOf(medium)).values()].at(-1);
    const driven = await start(medium);
    expect(driven.run.restoredFrom?.checkpoint).toBe(newest?.checkpoint);
    expect(driven.run.damaged).toEqual([]);
    await expectWhole(driven);
  });

  test.each(Object.entries(DAMAGES))(
    'takes the newest that is whole, for each set of manifests and segments with %s, or refuses',
    async (_kind, damage) => {
      const intact = await killed();
      const manifests = [...(await manifestsOf(intact))];
      expect(manifests).toHaveLength(RETAINED);
      // Each checkpoint's manifest and the segment that it wrote itself: 64 sets.
      const targets = manifests.flatMap(([name, { segments }]) => [name, segments.at(-1)?.name ?? '']);
      for (let set = 1; set < 1 << targets.length; set++) {
        const medium = copyOf(intact);
        const broken = targets.filter((_, i) => (set >> i) % 2 === 1);
        for (const name of broken) damage(medium, name);
        const isWhole = ([name, { segments }]: readonly [string, Manifest]): boolean =>
          !broken.includes(name) && segments.every((segment) => !broken.includes(segment.name));
        const expected = manifests.findLast(isWhole);
        const outcome = await start(medium).then(
          ({ run }) => run,
          (error: unknown) => error,
        );
        const found =
          outcome instanceof JobRun
            ? outcome.restoredFrom?.checkpoint
            : outcome instanceof UserError
              ? outcome.code
              : outcome;
        expect(found, broken.join()).toBe(expected === undefined ? 'E1401' : expected[1].checkpoint);
      }
    },
  );

  test('tells what was damaged, and removes unreadable manifests once a new one stands', async () => {
    const medium = await killed();
    const newest = namesOf(medium, isManifestName).at(-1) ?? '';
    medium.flip(newest, 60);
    const first = await start(medium);
    expect(first.run.damaged).toEqual([{ name: newest, problem: 'its checksum does not match' }]);
    await expectWhole(first);
    expect(medium.blobs.has(newest)).toBe(false);
    expect((await start(medium)).run.damaged).toEqual([]);
  });

  test('refuses when no checkpoint is whole, naming each with its problem, and leaves everything as it is', async () => {
    const medium = await killed();
    const names = namesOf(medium, isManifestName);
    for (const name of names) medium.truncate(name, 10);
    const before = [...medium.blobs.keys()];
    const error = await start(medium).then(
      () => undefined,
      (thrown: unknown) => thrown,
    );
    expect(error).toMatchObject({ code: 'E1401' });
    for (const name of names) expect(String(error)).toContain(`${name}: it does not begin like a checkpoint`);
    expect([...medium.blobs.keys()]).toEqual(before);
  });

  test('finds every damaged byte of a segment', async () => {
    const intact = await killed();
    const random = seededRandom(99);
    const newest = [...(await manifestsOf(intact)).values()].at(-1);
    for (let trial = 0; trial < 300; trial++) {
      const medium = copyOf(intact);
      const segment = newest?.segments[below(random, newest.segments.length)];
      const bytes = medium.blobs.get(segment?.name ?? '')?.bytes.length ?? 0;
      // The header of a frame more often than its share.
      const at = below(random, below(random, 2) === 0 ? 24 : bytes);
      medium.flip(segment?.name ?? '', at, 1 << below(random, 8));
      const arena = new StateArena(await sharedKernels(), TEST_SETTINGS.stateBytes);
      const restored = await restoreLatest(new MemoryStore(medium), arena, 'counts').then(
        ({ manifest }) => manifest?.checkpoint,
        () => 'refused',
      );
      expect(restored, `byte ${at} of ${segment?.name ?? ''}`).not.toBe(newest?.checkpoint);
    }
  });

  test('removes segments that no checkpoint lists', async () => {
    const medium = await killed();
    medium.blobs.set('segment-0000000001-0000009999', { bytes: new Uint8Array(5), isDurable: true });
    await start(medium);
    const listed = [...(await manifestsOf(medium)).values()].flatMap(({ segments }) =>
      segments.map(({ name }) => name),
    );
    expect(namesOf(medium, isSegmentName)).toEqual([...new Set(listed)].toSorted());
  });

  test('refuses the state of another job', async () => {
    const medium = await killed();
    const clock = new TickingClock();
    const other = from(memoryFiles(FILES, ROW, { clock })).to(makeSink('inserts only', collectSink(), 'results'));
    await expect(start(medium, other, 'another')).rejects.toMatchObject({
      code: 'E1402',
      message: expect.stringContaining("'counts', not 'another'"),
    });
  });

  test('refuses a checkpoint of another version, also when an older one could be read', async () => {
    const medium = await killed();
    const newest = namesOf(medium, isManifestName).at(-1) ?? '';
    medium.flip(newest, 'millrace checkpoint '.length, '1'.charCodeAt(0) ^ '2'.charCodeAt(0));
    await expect(start(medium)).rejects.toMatchObject({ code: 'E1403' });
  });

  test('refuses when an operator that holds state, or a source, is gone', async () => {
    for (const uids of [{ window: 'renamed' }, { source: 'renamed' }]) {
      const medium = await killed();
      const clock = new TickingClock();
      const lost = uids.window === undefined ? 'files' : 'counts';
      await expect(start(medium, countsJob(clock, uids))).rejects.toMatchObject({
        code: 'E1405',
        message: expect.stringContaining(lost),
      });
      await expectWhole(await start(medium));
    }
  });

  test('refuses a manifest that is whole and names another checkpoint in its frames', async () => {
    const medium = await killed();
    const checksum = new Checksum(await sharedKernels());
    for (const [name, manifest] of await manifestsOf(medium)) {
      const segments = manifest.segments.map((segment) => ({ ...segment, checkpoint: segment.checkpoint + 1 }));
      medium.blobs.set(name, {
        bytes: encodeManifest({ ...manifest, segments }, (body) => checksum.ofBytes(body)),
        isDurable: true,
      });
    }
    await expect(start(medium)).rejects.toMatchObject({
      code: 'E1401',
      message: expect.stringContaining('frame 0 is damaged'),
    });
  });
});

function copyOf(medium: MemoryMedium): MemoryMedium {
  const copy = new MemoryMedium(medium.location);
  copy.epoch = medium.epoch;
  for (const [name, { bytes, isDurable }] of medium.blobs) copy.blobs.set(name, { bytes: bytes.slice(), isDurable });
  return copy;
}
