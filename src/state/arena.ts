/**
 * All state of one task: named states in the paged arena under one budget, and their way into and out of checkpoints.
 *
 * A segment is a sequence of frames; each is verified by itself:
 *
 *   0          8         12        16       20                      frame, little-endian
 *   +----------+---------+---------+--------+----------------------+
 *   | checksum | bytes   | number  | check- | runs of blocks       |
 *   | XXH64    | of runs | of      | point  | (assembly/memory/    |
 *   |          |         | frame   |        | snapshot.ts)         |
 *   +----------+---------+---------+--------+----------------------+
 *
 * Invariants
 *  1. The checksum covers everything after it, so a frame of another checkpoint or at another place is refused.
 *  2. A state's number in the arena follows from the order in which names were opened first; the names are in the manifest.
 *  3. Counts of bytes and entries are kept while working; `verify` walks everything and must find the same.
 */
import { assert } from '../base/assert.ts';
import { formatBytes } from '../base/bytes.ts';
import { UserError } from '../base/errors.ts';
import type { Json } from '../base/json.ts';
import type { Ptr } from '../data/record-batch.ts';
import { Arena, BLOCK_BYTES } from '../kernel/arena.ts';
import { Checksum } from '../kernel/checksum.ts';
import type { KernelInstance } from '../kernel/instance.ts';
import { StateWalk } from '../kernel/state-walk.ts';
import { HEAVY_SEARCH, type HeavyKey, type HeavySearch, heaviestKeys } from './heaviest-keys.ts';
import { z } from './shape.ts';

/** States are numbered from 1: 0 is what owns free pages. */
const STATES_MAX = 254;
const CHECKSUM_BYTES = 8;
const HEADER_BYTES = 20;
/** Of the memory beside state; the rest is for chunks and batches, and for what changes in one step. */
const IMAGE_SHARE_MAX = 0.4;
/** States that an error names. */
const LARGEST_NAMED = 3;
/** Runs in a frame: about this many bytes. */
const FRAME_RUNS_BYTES = 1024 * 1024;
/** What a frame has at most, its header included. */
export const FRAME_BYTES_MAX = HEADER_BYTES + FRAME_RUNS_BYTES;

export interface StateSize {
  readonly name: string;
  readonly keys: number;
  readonly entries: number;
  readonly bytes: number;
}

const shape = z.object<{ names: readonly string[] }>({ names: z.list(z.text) });

export class StateArena {
  readonly #kernels: KernelInstance;
  readonly #budgetBytes: number;
  #arena: Arena;
  #checksum: Checksum;
  #frame: Ptr;
  #names: string[] = [];
  #walk: StateWalk | undefined;

  /** Lays out an empty arena in `kernels`, whose memory must be as new. */
  constructor(kernels: KernelInstance, budgetBytes: number) {
    this.#kernels = kernels;
    this.#budgetBytes = budgetBytes;
    this.#arena = new Arena(kernels, budgetBytes);
    this.#checksum = new Checksum(kernels);
    this.#frame = kernels.memory.allocate(FRAME_BYTES_MAX);
  }

  /** Forgets everything, in all of the instance's memory. Only before operators were made. */
  reset(): void {
    this.#kernels.reset();
    this.#arena = new Arena(this.#kernels, this.#budgetBytes);
    this.#checksum = new Checksum(this.#kernels);
    this.#frame = this.#kernels.memory.allocate(FRAME_BYTES_MAX);
    this.#names = [];
    this.#walk = undefined;
  }

  /** The number of the state of this name, as before when a checkpoint had it. */
  open(name: string): number {
    const found = this.#names.indexOf(name);
    const state = found >= 0 ? found + 1 : this.#names.push(name);
    assert(state <= STATES_MAX, `more than ${STATES_MAX} states`);
    return state;
  }

  usedBytes(): number {
    return this.#arena.usedBytes();
  }

  states(): readonly StateSize[] {
    return this.#names.map((name, i) => ({
      name,
      keys: this.#arena.stateKeys(i + 1),
      entries: this.#arena.stateEntries(i + 1),
      bytes: this.#arena.stateBytes(i + 1),
    }));
  }

  /** The states of an operator: that of its uid, and those named 'uid/name'. */
  statesOf(uid: string): readonly StateSize[] {
    return this.states().filter(({ name }) => name === uid || name.startsWith(`${uid}/`));
  }

  /** The heaviest keys of a state; see heaviest-keys.ts for what it costs, how exact it is, and for its rests. */
  heaviestKeys(
    name: string,
    most: number,
    search: HeavySearch = HEAVY_SEARCH.atOnce,
  ): Generator<undefined, readonly HeavyKey[]> {
    const state = this.#numberOf(name);
    this.#walk ??= new StateWalk(this.#kernels);
    return heaviestKeys(this.#walk, state, { entries: this.#arena.stateKeys(state), most, ...search });
  }

  get budgetBytes(): number {
    return this.#budgetBytes;
  }

  /** Records folded into what a state holds. */
  rowsHeld(name: string): number {
    return this.#arena.stateRows(this.#numberOf(name));
  }

  /** Whether every count that is kept equals what a walk over all of the state finds. */
  verify(): boolean {
    return this.#names.every((_, i) => this.#arena.countsHold(i + 1));
  }

  /** The error for a state that has no room left, with the largest states. */
  exhausted(): UserError {
    const states = [...this.states()].sort((a, b) => b.bytes - a.bytes).slice(0, LARGEST_NAMED);
    const largest = states
      .map(({ name, entries, bytes }) => `${name} ${formatBytes(bytes)} in ${entries} entries`)
      .join(', ');
    return new UserError(
      'E1302',
      { needed: `more than ${formatBytes(this.usedBytes())}`, budget: formatBytes(this.#budgetBytes), largest },
      {
        hint: 'Allow more memory, or keep less: shorter windows, fewer keys. The state on disk is as the last checkpoint left it.',
      },
    );
  }

  /** What a manifest says of the arena: the names of states in their order. */
  describe(): Json {
    return { names: this.#names };
  }

  /** Makes the next snapshot hold all of the state, not only what changed. */
  markAllDirty(): void {
    this.#arena.markAllDirty();
  }

  /** Freezes the image of all state; the bytes of all blocks that have changed since the last snapshot. */
  beginSnapshot(): number {
    return this.#arena.beginSnapshot() * BLOCK_BYTES;
  }

  /** Whether state must not change for now: what is being drained had to be kept in so much memory. */
  get isPressed(): boolean {
    return this.#arena.imageShare() > IMAGE_SHARE_MAX;
  }

  abortSnapshot(): void {
    this.#arena.abortSnapshot();
  }

  /** The next frame of the snapshot, as bytes of its own; undefined when all is out. */
  nextFrame(checkpoint: number, number: number): Uint8Array | undefined {
    const runs = this.#arena.drainSnapshot(this.#frame + HEADER_BYTES, FRAME_RUNS_BYTES);
    if (runs === 'spoiled') {
      throw new UserError('E1305', undefined, {
        hint: 'Allow more memory, or keep the state folder on a faster disk.',
      });
    }
    if (runs === 0) return undefined;
    const { view } = this.#kernels.memory;
    view.setUint32(this.#frame + 8, runs, true);
    view.setUint32(this.#frame + 12, number, true);
    view.setUint32(this.#frame + 16, checkpoint, true);
    this.#checksum.write(this.#frame + CHECKSUM_BYTES, HEADER_BYTES - CHECKSUM_BYTES + runs, this.#frame);
    return this.#kernels.memory.u8.slice(this.#frame, this.#frame + HEADER_BYTES + runs);
  }

  /** Bytes of the frame that begins here; undefined when its header is not all there, NaN when it cannot be a frame. */
  frameBytes(bytes: Uint8Array): number | undefined {
    if (bytes.length < HEADER_BYTES) return undefined;
    const runs = new DataView(bytes.buffer, bytes.byteOffset).getUint32(8, true);
    return runs > FRAME_RUNS_BYTES ? Number.NaN : HEADER_BYTES + runs;
  }

  /** Verifies a whole frame and puts its blocks back; false when it is damaged. Throws when the budget is too small for it. */
  restoreFrame(bytes: Uint8Array, checkpoint: number, number: number): boolean {
    assert(bytes.length <= FRAME_BYTES_MAX, `a frame of ${bytes.length} bytes`);
    this.#kernels.memory.u8.set(bytes, this.#frame);
    const { view } = this.#kernels.memory;
    if (view.getUint32(this.#frame + 12, true) !== number || view.getUint32(this.#frame + 16, true) !== checkpoint)
      return false;
    const length = bytes.length - CHECKSUM_BYTES;
    if (!this.#checksum.matches(this.#frame + CHECKSUM_BYTES, length, this.#frame)) return false;
    const status = this.#arena.restoreRuns(this.#frame + HEADER_BYTES, bytes.length - HEADER_BYTES);
    if (status === 'out of memory') throw this.exhausted();
    return status === 'ok';
  }

  /** After the last frame: makes the restored state usable. */
  finishRestore(described: Json): void {
    if (described === null) return;
    this.#names = [...shape(described).names];
    const status = this.#arena.reopen();
    if (status === 'out of memory') throw this.exhausted();
    assert(status === 'ok', 'the restored arena is not whole');
  }

  /** XXH64 of bytes of the host, 16 hexadecimal digits. */
  checksum(bytes: Uint8Array): string {
    return this.#checksum.ofBytes(bytes);
  }

  #numberOf(name: string): number {
    const found = this.#names.indexOf(name);
    assert(found >= 0, `no state named ${name}`);
    return found + 1;
  }
}
