import { describe, expect, test } from 'vitest';
import type { SinkConnector, SinkWriter } from '../../../../src/connector/sink.ts';
import { collectSink } from '../../../../src/format/collect-sink.ts';
import type { JobSettings } from '../../../../src/platform.ts';
import { StateArena } from '../../../../src/state/arena.ts';
import type { CheckpointStore } from '../../../../src/state/checkpoint-store.ts';
import { decodeManifest, isManifestName, isSegmentName, type Manifest } from '../../../../src/state/manifest.ts';
import { canonicalText } from '../../../../src/testing/canonical-text.ts';
import { MemoryMedium } from '../../../../src/testing/memory-store.ts';
import { drive, type DriveOptions, TickingClock } from '../../../support/engine.ts';
import { newKernels } from '../../../support/kernels.ts';
import { readingsFiles, readingsJob } from '../../../support/readings.ts';

const FILES = readingsFiles(11, 200);

interface Ran {
  readonly medium: MemoryMedium;
  readonly output: string;
  readonly completed: number;
}

async function run(
  settings: Partial<JobSettings>,
  more: Partial<DriveOptions> = {},
  wrap: (sink: SinkConnector) => SinkConnector = (sink) => sink,
): Promise<Ran> {
  const clock = new TickingClock(0.5);
  const [medium, results, late] = [new MemoryMedium(), collectSink(), collectSink()];
  const job = readingsJob(FILES, { results: wrap(results), late }, { clock, quantumBytes: 3_000 });
  const { run: ran } = await drive({
    job,
    medium,
    clock,
    settings: { batchRows: 16, chunkBytes: 500, checkpointEveryMs: 10, ...settings },
    ...more,
  });
  return { medium, output: canonicalText([results.rows, late.rows]), completed: ran.checkpoints.completed };
}

/** Calls `see` with what every published manifest says. */
async function watching(
  see: (manifest: Manifest, store: CheckpointStore) => void,
): Promise<(store: CheckpointStore) => CheckpointStore> {
  const arena = new StateArena(await newKernels(), 1 << 20);
  return (store) =>
    new Proxy(store, {
      get(target, key) {
        const value: unknown = Reflect.get(target, key, target);
        if (typeof value !== 'function') return value;
        if (key !== 'publish') return value.bind(target);
        return async (name: string, bytes: Uint8Array): Promise<void> => {
          see(
            decodeManifest(bytes, (body) => arena.checksum(body), name),
            target,
          );
          await target.publish(name, bytes);
        };
      },
    });
}

async function manifestsOf(medium: MemoryMedium): Promise<Manifest[]> {
  const arena = new StateArena(await newKernels(), 1 << 20);
  return [...medium.blobs]
    .filter(([name]) => isManifestName(name))
    .map(([name, { bytes }]) => decodeManifest(bytes, (body) => arena.checksum(body), name));
}

describe('checkpoints', () => {
  test.each([1, 2, 5])('%i of them are kept, with the segments that they list and no others', async (retained) => {
    const { medium, completed } = await run({ retained });
    expect(completed).toBeGreaterThan(20);
    const manifests = await manifestsOf(medium);
    expect(manifests.map(({ checkpoint }) => checkpoint).toSorted((a, b) => a - b)).toEqual(
      Array.from({ length: retained }, (_, i) => completed - retained + 1 + i),
    );
    const listed = new Set(manifests.flatMap(({ segments }) => segments.map(({ name }) => name)));
    expect([...medium.blobs.keys()].filter(isSegmentName).toSorted()).toEqual([...listed].toSorted());
    expect(medium.blobs.size).toBe(retained + listed.size);
  });

  test('write only what changed, until the log is long: then all of the state, and the log goes', async () => {
    const shapes: Manifest[] = [];
    const growing: Manifest[] = [];
    const short = await run({ logBytes: 0 }, { wrapStore: await watching((manifest) => shapes.push(manifest)) });
    const long = await run({}, { wrapStore: await watching((manifest) => growing.push(manifest)) });
    expect(short.output).toBe(long.output);
    const counts = shapes.map(({ segments }) => segments.length);
    const rewrites = counts.filter((n, i) => n === 1 && (counts[i - 1] ?? 0) > 1);
    expect(rewrites.length).toBeGreaterThan(2);
    expect(growing.at(-1)?.segments.length).toBeGreaterThan(Math.max(...counts));
    const newest = shapes.at(-1)?.checkpoint ?? 0;
    const stale = [...short.medium.blobs.keys()].filter(
      (name) => isSegmentName(name) && Number(name.slice(-10)) < newest - 10,
    );
    expect(stale.length).toBeLessThan(10);
  });

  test('rewritten or not, are gone on from exactly', async () => {
    const expected = (await run({})).output;
    for (let k = 3; k < 40; k += 4) {
      const clock = new TickingClock(0.5);
      const [medium, results, late] = [new MemoryMedium(), collectSink(), collectSink()];
      const job = readingsJob(FILES, { results, late }, { clock, quantumBytes: 3_000 });
      const options = {
        job,
        medium,
        clock,
        settings: { batchRows: 16, chunkBytes: 500, checkpointEveryMs: 10, logBytes: 0 },
      };
      await drive({ ...options, stop: { how: 'kill', when: ({ checkpoints }) => checkpoints.completed >= k } });
      await drive(options);
      expect(canonicalText([results.rows, late.rows]), `checkpoint ${k}`).toBe(expected);
    }
  });

  test('are published before anything in them is committed, and list it', async () => {
    const published = new Map<string, Set<string>>();
    let commits = 0;
    const wrapStore = await watching((manifest) => {
      for (const [uid, committables] of Object.entries(manifest.sinks)) {
        const known = published.get(uid) ?? new Set();
        for (const committable of committables) known.add(JSON.stringify(committable));
        published.set(uid, known);
      }
    });
    const wrap = (sink: SinkConnector): SinkConnector => ({
      accepts: sink.accepts,
      async open(context) {
        const writer: SinkWriter = await sink.open(context);
        return new Proxy(writer, {
          get(target, key) {
            const value: unknown = Reflect.get(target, key, target);
            if (typeof value !== 'function') return value;
            if (key !== 'commit') return value.bind(target);
            return async (committables: Parameters<SinkWriter['commit']>[0]): Promise<void> => {
              commits++;
              for (const each of committables) expect(published.get(context.uid)?.has(JSON.stringify(each))).toBe(true);
              await target.commit(committables);
            };
          },
        });
      },
    });
    await run({}, { wrapStore }, wrap);
    expect(commits).toBeGreaterThan(20);
  });

  test('are numbered on after a restart, under a new epoch', async () => {
    const seen: string[] = [];
    const wrapStore = await watching(({ epoch, checkpoint }) => seen.push(`${epoch}/${checkpoint}`));
    const clock = new TickingClock(0.5);
    const job = readingsJob(FILES, { results: collectSink(), late: collectSink() }, { clock, quantumBytes: 3_000 });
    const options = {
      job,
      medium: new MemoryMedium(),
      clock,
      wrapStore,
      settings: { batchRows: 16, chunkBytes: 500, checkpointEveryMs: 10 },
    };
    await drive({ ...options, stop: { how: 'kill', when: ({ checkpoints }) => checkpoints.completed >= 3 } });
    const last = Number(seen.at(-1)?.split('/')[1]);
    await drive({ ...options, stop: { how: 'suspend', when: ({ checkpoints }) => checkpoints.completed >= 2 } });
    expect(seen.slice(0, 3)).toEqual(['1/0', '1/1', '1/2']);
    expect(seen.filter((each) => each.startsWith('2/')).slice(0, 3)).toEqual([
      `2/${last}`,
      `2/${last + 1}`,
      `2/${last + 2}`,
    ]);
  });
});
