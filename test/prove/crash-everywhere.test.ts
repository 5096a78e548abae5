/**
 * The crash test of test/simulation in all its forms: power losses, crashes of what recovers, reordered calls, failing
 * disks, and owners that wake up when another has taken over.
 */
import { expect, test } from 'vitest';
import type { Disk } from '../../src/base/disk.ts';
import { ExternalError, MillraceError } from '../../src/base/errors.ts';
import type { KernelInstance } from '../../src/kernel/instance.ts';
import type { JobRun } from '../../src/runtime/job-run.ts';
import { type CrashOptions, crashEverywhere } from '../../src/testing/simulator.ts';
import { VirtualClock } from '../../src/testing/virtual-clock.ts';
import {
  crashFiles,
  crashRun,
  crashScenario,
  type CrashWorld,
  newCrashKernels,
  newWorld,
  outputOf,
  process as runProcess,
  sourceOf,
  storeOf,
  type StoreKind,
  undisturbedOutput,
} from '../support/crash-job.ts';
import { implausible, textOf } from '../support/crash-report.ts';
import { driveClock, type Ending } from '../support/drive-clock.ts';
import { Holder } from '../support/held-port.ts';

const LONG = process.env['MILLRACE_PROVE'] === 'long';
const SEEDS = LONG ? 40 : 4;
const STORES: readonly StoreKind[] = ['memory', 'disk'];

interface Case {
  readonly name: string;
  readonly options: CrashOptions;
  /** Of this many points one is crashed, another in each seed. */
  readonly shares: number;
}

const CASES: readonly Case[] = [
  { name: 'a power loss', options: { kind: 'power loss' }, shares: 2 },
  { name: 'a crash and two more during what follows', options: { furtherCrashes: 2 }, shares: 4 },
  { name: 'power losses, also of what recovers', options: { kind: 'power loss', furtherCrashes: 2 }, shares: 4 },
  {
    name: 'a power loss among reordered calls',
    options: { kind: 'power loss', interleave: true, furtherCrashes: 1 },
    shares: 4,
  },
];

for (const store of STORES) {
  for (const { name, options, shares } of CASES) {
    test(`${name} at any point leaves the undisturbed result, checkpoints in the ${store} store`, async () => {
      let runs = 0;
      for (let seed = 1; seed <= SEEDS; seed++) {
        const files = crashFiles(seed);
        const expected = await undisturbedOutput(store, files);
        expect(implausible(expected), `seed ${seed}`).toBeUndefined();
        const share = LONG ? { index: 0, count: 1 } : { index: seed % shares, count: shares };
        const report = await crashEverywhere(crashScenario({ store, files, expected }), {
          ...options,
          seed,
          share,
          differencesMax: 3,
        });
        expect(textOf(report.differences), `seed ${seed}`).toBe('');
        runs += report.runs;
      }
      console.log(`${name}, ${store} store: ${runs} points, 0 differences`);
      expect(runs).toBeGreaterThan(500);
    });
  }
}

const FILES = crashFiles(7);

test('a call of the disk that fails once fails the job with a typed error, and the next run completes it', async () => {
  const kernels = newCrashKernels();
  const expected = await undisturbedOutput('disk', FILES);
  const counted = newWorld('disk');
  await runProcess(counted, FILES, counted.disk, kernels);
  let failed = 0;
  for (let call = 1; call <= counted.disk.calls; call++) {
    const world = newWorld('disk');
    world.disk.failAt(call, call % 2 === 0 ? 'ENOSPC' : 'EIO');
    kernels.reset();
    const first = await runProcess(world, FILES, world.disk, kernels);
    const at = `call ${call} of the disk (${counted.disk.trace[call - 1]})`;
    expect(first.end, at).not.toBe('stuck');
    if (first.end === 'failed') {
      failed++;
      expect(first.error, at).toBeInstanceOf(ExternalError);
    }
    // Also when it was done: what failed may have been the tidying up at its end.
    kernels.reset();
    expect(await runProcess(world, FILES, world.disk, kernels), at).toEqual({ end: 'done' });
    expect(await outputOf(world.disk), at).toEqual(expected);
  }
  console.log(`faults: ${failed} of ${counted.disk.calls} failing calls failed the job, 0 differences`);
  // What fails without failing the job is the giving back at its end.
  expect(failed).toBeGreaterThan(counted.disk.calls * 0.9);
});

interface Zombie {
  readonly world: CrashWorld;
  /** The call at which the old owner was held; undefined when it made none so late. */
  readonly held: string | undefined;
  readonly old: Ending;
  readonly fresh: Ending;
}

type Pair = readonly [KernelInstance, KernelInstance];

/** An old owner that is held at its call `from`, and a new one beside it. */
async function zombie(store: StoreKind, from: number, kernels: Pair, wakes: 'early' | 'late'): Promise<Zombie> {
  const world = newWorld(store);
  const holder = new Holder(from);
  const clock = new VirtualClock();
  const owner = (hold: <P extends object>(port: P) => P, instance: KernelInstance): JobRun => {
    instance.reset();
    const disk = hold<Disk>(world.disk);
    const made = storeOf(disk, world.medium);
    return crashRun({
      disk,
      clock,
      kernels: instance,
      store: world.medium === undefined ? made : hold(made),
      source: sourceOf(FILES, clock),
    });
  };
  const old = owner((port) => holder.hold(port), kernels[0]);
  const oldWork = old.start().then(() => old.execute());
  const before = await driveClock(oldWork, clock, () => holder.held !== undefined);
  if (holder.held === undefined) return { world, held: undefined, old: before, fresh: before };
  const fresh = owner((port) => port, kernels[1]);
  const started = await driveClock(fresh.start(), clock);
  if (wakes === 'early') holder.release();
  const ended = started.end === 'done' ? await driveClock(fresh.execute(), clock) : started;
  holder.release();
  return { world, held: holder.held, old: await driveClock(oldWork, clock), fresh: ended };
}

/** Says what is wrong with how the two ended. Who has not asked for the state when it wakes up is the newer owner. */
function wrongEnds({ old, fresh }: Zombie): string | undefined {
  const [loser, winner] = fresh.end === 'done' ? [old, fresh] : [fresh, old];
  if (winner.end !== 'done') return `neither is done: ${describeEnd(old)}, ${describeEnd(fresh)}`;
  if (loser.end === 'done') return undefined;
  // With which error depends on where it was held: the epoch, its folder, or the parts are no longer its own.
  return loser.end === 'failed' && loser.error instanceof MillraceError
    ? undefined
    : `the other: ${describeEnd(loser)}`;
}

const describeEnd = (ending: Ending): string => (ending.end === 'failed' ? String(ending.error) : ending.end);

for (const store of STORES) {
  for (const wakes of ['early', 'late'] as const) {
    test(`an old owner that wakes up ${wakes === 'early' ? 'beside' : 'after'} its successor changes nothing, ${store} store`, async () => {
      const kernels = [newCrashKernels(), newCrashKernels()] as const;
      const expected = await undisturbedOutput(store, FILES);
      let calls = 0;
      for (let from = 1; ; from++) {
        const ends = await zombie(store, from, kernels, wakes);
        const { world, held } = ends;
        if (held === undefined) break;
        calls++;
        const at = `held at call ${from}: ${held}`;
        expect(wrongEnds(ends), at).toBeUndefined();
        // An empty folder of the old owner may stand until the next run tidies up.
        expect({ ...(await outputOf(world.disk)), left: [] }, at).toEqual({ ...expected, left: [] });
        kernels[0].reset();
        expect(await runProcess(world, FILES, world.disk, kernels[0]), `${at}, run again`).toEqual({ end: 'done' });
        expect(await outputOf(world.disk), `${at}, run again`).toEqual(expected);
      }
      console.log(`zombies that wake ${wakes}, ${store} store: ${calls} calls, 0 differences`);
      expect(calls).toBeGreaterThan(100);
    });
  }
}
