/** States by name: numbers that survive a restore, frames that refuse to be something else, messages. */
import { expect, test } from 'vitest';
import { Physical } from '../../../src/data/types.ts';
import { ChangelogAggregate } from '../../../src/kernel/changelog-aggregate.ts';
import type { KernelInstance } from '../../../src/kernel/instance.ts';
import { StateArena } from '../../../src/state/arena.ts';
import { specOf } from '../../support/aggregate-specs.ts';
import { newKernels } from '../../support/kernels.ts';

/** A count per key over int64 keys. */
function counter(kernels: KernelInstance, state: number): (keys: readonly bigint[]) => string {
  const aggregates = [specOf({ name: 'n', fn: 'count', input: undefined, nullable: false })];
  const aggregate = new ChangelogAggregate(kernels, { state, key: Physical.I64, aggregates }, 2048);
  const key = { values: kernels.memory.allocate(1024 * 8), validity: 0 };
  return (keys) => {
    kernels.memory.i64.set(keys, key.values >>> 3);
    aggregate.add({ selected: keys.length, selection: 0, key, columns: [undefined], filters: [0] }, 0);
    return aggregate.status;
  };
}

const numbers = (from: number, count: number): bigint[] => Array.from({ length: count }, (_, i) => BigInt(from + i));

function framesOf(arena: StateArena, checkpoint: number): Uint8Array[] {
  arena.beginSnapshot();
  const frames: Uint8Array[] = [];
  for (
    let frame = arena.nextFrame(checkpoint, 0);
    frame !== undefined;
    frame = arena.nextFrame(checkpoint, frames.length)
  )
    frames.push(frame);
  return frames;
}

async function example(): Promise<{ readonly arena: StateArena; readonly frames: Uint8Array[] }> {
  const kernels = await newKernels();
  const arena = new StateArena(kernels, 8 << 20);
  counter(kernels, arena.open('orders'))(numbers(0, 100));
  counter(kernels, arena.open('clicks'))(numbers(0, 7));
  return { arena, frames: framesOf(arena, 5) };
}

test('gives a state the same number after a restore, whatever is asked for first', async () => {
  const { arena: before, frames } = await example();
  const after = new StateArena(await newKernels(), 8 << 20);
  frames.forEach((frame, i) => expect(after.restoreFrame(frame, 5, i)).toBe(true));
  after.finishRestore(before.describe());
  expect(after.open('clicks')).toBe(before.open('clicks'));
  expect(after.open('another')).toBe(3);
  expect(after.states().map(({ name, entries }) => [name, entries])).toEqual([
    ['orders', 100],
    ['clicks', 7],
    ['another', 0],
  ]);
  expect(after.rowsHeld('orders')).toBe(100);
  expect(after.verify()).toBe(true);
});

test('refuses a frame of another checkpoint, at another place, or with any byte changed', async () => {
  const { frames } = await example();
  const frame = frames[0] ?? new Uint8Array();
  const after = new StateArena(await newKernels(), 8 << 20);
  expect(after.restoreFrame(frame, 4, 0)).toBe(false);
  expect(after.restoreFrame(frame, 5, 1)).toBe(false);
  for (let at = 0; at < frame.length; at += 1 + Math.floor(frame.length / 500)) {
    const damaged = frame.slice();
    damaged[at] = (damaged[at] ?? 0) ^ 0x10;
    const whole = after.frameBytes(damaged) === frame.length && after.restoreFrame(damaged, 5, 0);
    expect(whole, `byte ${at}`).toBe(false);
  }
  expect(after.restoreFrame(frame, 5, 0)).toBe(true);
});

test('writes only what changed, and everything when asked to', async () => {
  const kernels = await newKernels();
  const arena = new StateArena(kernels, 32 << 20);
  const add = counter(kernels, arena.open('keys'));
  for (let from = 0; from < 20_000; from += 1000) add(numbers(from, 1000));
  const bytesOf = (frames: readonly Uint8Array[]): number => frames.reduce((sum, frame) => sum + frame.length, 0);
  const first = bytesOf(framesOf(arena, 1));
  expect(bytesOf(framesOf(arena, 2))).toBe(0);
  add(numbers(0, 10));
  expect(bytesOf(framesOf(arena, 3))).toBeLessThan(10_000);
  arena.markAllDirty();
  expect(bytesOf(framesOf(arena, 4))).toBeGreaterThanOrEqual(first);
});

test('names the largest states when the budget is used up', async () => {
  const kernels = await newKernels();
  const arena = new StateArena(kernels, 256 * 1024);
  const small = counter(kernels, arena.open('small'));
  const large = counter(kernels, arena.open('large'));
  small([1n]);
  let from = 0;
  while (large(numbers(from, 1000)) === 'done') from += 1000;
  expect(from).toBeGreaterThan(1000);
  const error = arena.exhausted();
  expect(error.code).toBe('E1302');
  expect(error.message).toMatch(/256 KB allowed \(largest: large \d+ KB in \d+ entries, small 12 KB in 1 entries\)/);
  expect(arena.verify()).toBe(true);
});

test('says when what a snapshot holds can no longer be kept, and takes the next one whole', async () => {
  const kernels = await newKernels(9 << 20);
  const arena = new StateArena(kernels, 6 << 20);
  const count = counter(kernels, arena.open('orders'));
  const all = (): void => {
    for (let from = 0; from < 100_000; from += 1000) expect(count(numbers(from, 1000))).toBe('done');
  };
  all();
  arena.beginSnapshot();
  expect(arena.isPressed).toBe(false);
  all();
  expect(arena.isPressed).toBe(true);
  expect(() => arena.nextFrame(1, 0)).toThrow(
    'state changed faster than a checkpoint of it could be written: the memory for its image is used up',
  );
  arena.abortSnapshot();
  expect(arena.isPressed).toBe(false);
  const frames = framesOf(arena, 2);
  const after = new StateArena(await newKernels(), 8 << 20);
  frames.forEach((frame, i) => expect(after.restoreFrame(frame, 2, i)).toBe(true));
  after.finishRestore(arena.describe());
  expect([after.rowsHeld('orders'), after.states()[0]?.entries]).toEqual([200_000, 100_000]);
});
