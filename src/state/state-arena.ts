/**
 * The arena of one task as the runtime sees it: states by name, one budget, snapshots as chunks of bytes.
 *
 * A snapshot
 *   begin() -> names and how much there is;  then, between batches, drain() until undefined;  then the manifest is published
 *   and the next begin() confirms it, or abort() puts all of it into the next one.
 * A restore, into a fresh arena
 *   restoreNames(names); restoreChunk(bytes) for every chunk of every snapshot of the chain, in order; finishRestore(where)
 *
 * Invariants
 *  1. A state's number is given once and stands in the snapshot, so that what operators open first does not matter.
 *  2. Chunks hold whole runs and can be stored, sent or checksummed one by one.
 * Not here: where chunks are kept and what a checkpoint names (manifest), what states hold (kernels).
 */
import { assert } from '../base/assert.ts';
import { formatBytes } from '../base/bytes.ts';
import { ExternalError, UserError } from '../base/errors.ts';
import type { Ptr } from '../data/record-batch.ts';
import { Arena } from '../kernel/arena.ts';
import type { KernelInstance } from '../kernel/instance.ts';

/** State numbers by name: plain data for the manifest. */
export type StateNames = { readonly [name: string]: number };

export interface StateSize {
  readonly name: string;
  readonly entries: number;
  readonly bytes: number;
}

const STATES_MAX = 255;
const CHUNK_BYTES = 1 << 18;

export class StateArena {
  readonly #kernels: KernelInstance;
  readonly #arena: Arena;
  readonly #budgetBytes: number;
  readonly #numbers = new Map<string, number>();
  readonly #buffer: Ptr;

  constructor(kernels: KernelInstance, budgetBytes: number) {
    this.#kernels = kernels;
    this.#budgetBytes = budgetBytes;
    this.#arena = new Arena(kernels, budgetBytes);
    this.#buffer = kernels.memory.allocate(CHUNK_BYTES);
  }

  /** The number of a state, to hand to kernels; given at first mention, the same after a restore. */
  state(name: string): number {
    const known = this.#numbers.get(name);
    if (known !== undefined) return known;
    const used = new Set(this.#numbers.values());
    let number = 1;
    while (used.has(number)) number++;
    assert(number <= STATES_MAX, `more than ${STATES_MAX} states in one task`);
    this.#numbers.set(name, number);
    return number;
  }

  /** Sizes of all states, largest first. */
  sizes(): readonly StateSize[] {
    return [...this.#numbers]
      .map(([name, number]) => ({ name, entries: this.#arena.stateEntries(number), bytes: this.#arena.stateBytes(number) }))
      .sort((a, b) => b.bytes - a.bytes);
  }

  usedBytes(): number {
    return this.#arena.usedBytes();
  }

  /** What to throw when a kernel answered 'out of memory': says which states are the largest. */
  budgetError(): UserError {
    const largest = this.sizes().slice(0, 3).map(({ name, bytes, entries }) => `${name} ${formatBytes(bytes)} in ${entries} entries`);
    return new UserError('E1302', {
      needed: `more than ${formatBytes(this.usedBytes())}`, budget: formatBytes(this.#budgetBytes), largest: largest.join(', '),
    });
  }

  /** Drops all that a state holds. */
  clear(name: string): void {
    this.#arena.clear(this.state(name));
  }

  /** Whether what every state counts while working is what a walk over it finds. For tests and inspection. */
  countsHold(): boolean {
    return [...this.#numbers.values()].every((number) => this.#arena.countsHold(number));
  }

  /** Freezes the image of all state and confirms the snapshot before. The names belong into the manifest. */
  begin(): { readonly names: StateNames; readonly blocks: number } {
    const blocks = this.#arena.beginSnapshot();
    return { names: Object.fromEntries(this.#numbers), blocks };
  }

  /** The next chunk of the snapshot, the caller's own; undefined when all is out. Throws E1302 when images could not be kept. */
  drain(maxBytes = CHUNK_BYTES): Uint8Array | undefined {
    const bytes = this.#arena.drainSnapshot(this.#buffer, Math.min(maxBytes, CHUNK_BYTES));
    if (bytes === 'spoiled') throw this.budgetError();
    return bytes === 0 ? undefined : this.#kernels.memory.u8.slice(this.#buffer, this.#buffer + bytes);
  }

  /** Gives the last snapshot up, drained or not. */
  abort(): void {
    this.#arena.abortSnapshot();
  }

  /** Takes the numbers of a manifest over, before any operator asks for its own. */
  restoreNames(names: StateNames): void {
    assert(this.#numbers.size === 0, 'names restored after states were opened');
    for (const [name, number] of Object.entries(names)) this.#numbers.set(name, number);
  }

  /** Puts a chunk back, as `drain` gave it. `where` names the place for messages. */
  restoreChunk(chunk: Uint8Array, where: string): void {
    assert(chunk.length <= CHUNK_BYTES, `a chunk of ${chunk.length} bytes`);
    this.#kernels.memory.u8.set(chunk, this.#buffer);
    this.#must(this.#arena.restoreRuns(this.#buffer, chunk.length), where);
  }

  /** After the last chunk and before any operator opens its state. */
  finishRestore(where: string): void {
    this.#must(this.#arena.reopen(), where);
  }

  #must(outcome: 'ok' | 'corrupt' | 'out of memory', where: string): void {
    if (outcome === 'ok') return;
    if (outcome === 'corrupt') throw new ExternalError('E1401', { path: where, problem: 'its pages contradict each other' });
    throw new UserError('E1302', { needed: 'the restored state', budget: formatBytes(this.#budgetBytes), largest: where });
  }
}

