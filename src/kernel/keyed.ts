/**
 * The door to keyed states and timers: one selection per operator, one call block per named state.
 *
 * Invariants
 *  1. What is handed in is copied before the kernel runs, so it may be a view of state itself.
 *  2. Places of answers (pointers) are read before the next call; the bytes they point to stand until something is
 *     allocated, also those of what was removed.
 * Not here: names, errors, iteration (state/arena-keyed-state.ts), the kernels (assembly/keyed).
 */
import { assert } from '../base/assert.ts';
import { MIN_TIME } from '../base/time.ts';
import type { Ptr } from '../data/record-batch.ts';
import { OUT_OF_MEMORY } from './abi.ts';
import type { KernelInstance } from './instance.ts';

// Offsets of assembly/keyed/call.ts.
const SELECTION_BYTES = 32;
const SELECTION = { key: 0, keyLength: 4, hash: 8, clock: 16, written: 24 } as const;
const CALL_BYTES = 256;
const CALL = {
  state: 0,
  selection: 4,
  ttl: 8,
  onAccess: 16,
  sub: 20,
  subLength: 24,
  value: 28,
  valueLength: 32,
} as const;
const OUT = {
  entry: 36,
  gone: 40,
  sub: 44,
  subLength: 48,
  value: 52,
  valueLength: 56,
  key: 60,
  keyLength: 64,
  hash: 68,
  instead: 72,
  time: 80,
} as const;

/** Largest sum of the bytes of key, sub-key and value. */
export const KEYED_BYTES_MAX = 255 * 4096 - 64;
/** Copies of fewer bytes are faster byte by byte. */
const COPY_CALL_BYTES = 32;

/** Bytes that are handed in, in transient memory that grows. */
class InputBytes {
  readonly #kernels: KernelInstance;
  #ptr: Ptr;
  #capacity = 256;

  constructor(kernels: KernelInstance) {
    this.#kernels = kernels;
    this.#ptr = kernels.memory.allocate(this.#capacity);
  }

  copy(bytes: Uint8Array): Ptr {
    const { length } = bytes;
    if (length > this.#capacity) this.#grow(length);
    const { u8 } = this.#kernels.memory;
    if (length >= COPY_CALL_BYTES) u8.set(bytes, this.#ptr);
    else for (let i = 0; i < length; i++) u8[this.#ptr + i] = bytes[i] ?? 0;
    return this.#ptr;
  }

  /** At least doubles, so that the bytes left behind are never more than those in use. */
  #grow(length: number): void {
    this.#capacity = Math.max(length, this.#capacity * 2);
    this.#ptr = this.#kernels.memory.allocate(this.#capacity);
  }
}

/** The key that calls are about, and the times that expiry counts from. */
export class KeyedSelection {
  readonly ptr: Ptr;
  /** Counts selections: equal numbers, same selection. */
  number = 0;
  readonly #kernels: KernelInstance;
  readonly #bytes: InputBytes;

  constructor(kernels: KernelInstance) {
    this.#kernels = kernels;
    this.ptr = kernels.memory.allocate(SELECTION_BYTES);
    this.#bytes = new InputBytes(kernels);
    this.setTimes(MIN_TIME, MIN_TIME);
    this.select(new Uint8Array(), 0);
  }

  select(bytes: Uint8Array, hash: number): void {
    this.number++;
    const at = this.#bytes.copy(bytes);
    const { u32 } = this.#kernels.memory;
    u32[(this.ptr + SELECTION.key) >>> 2] = at;
    u32[(this.ptr + SELECTION.keyLength) >>> 2] = bytes.length;
    u32[(this.ptr + SELECTION.hash) >>> 2] = hash;
  }

  /** A view, valid until the next selection. */
  get key(): Uint8Array {
    const { u8, u32 } = this.#kernels.memory;
    const at = u32[(this.ptr + SELECTION.key) >>> 2] ?? 0;
    return u8.subarray(at, at + this.keyLength);
  }

  get keyLength(): number {
    return this.#kernels.memory.u32[(this.ptr + SELECTION.keyLength) >>> 2] ?? 0;
  }

  get hash(): number {
    return this.#kernels.memory.u32[(this.ptr + SELECTION.hash) >>> 2] ?? 0;
  }

  get clock(): number {
    return this.#kernels.memory.f64[(this.ptr + SELECTION.clock) >>> 3] ?? 0;
  }

  /** The clock that decides what has expired, and the time from which what is written lives on when that is later. */
  setTimes(clock: number, written: number): void {
    const { f64 } = this.#kernels.memory;
    f64[(this.ptr + SELECTION.clock) >>> 3] = clock;
    f64[(this.ptr + SELECTION.written) >>> 3] = written;
  }
}

/** What a call block has in common for tables and timers. */
class CallBlock {
  readonly ptr: Ptr;
  readonly state: number;
  readonly selection: KeyedSelection;
  protected readonly kernels: KernelInstance;
  readonly #sub: InputBytes;

  constructor(kernels: KernelInstance, state: number, selection: KeyedSelection, kind: 'table' | 'timers') {
    this.kernels = kernels;
    this.state = state;
    this.selection = selection;
    this.ptr = kernels.memory.allocate(CALL_BYTES);
    this.#sub = new InputBytes(kernels);
    kernels.memory.u8.fill(0, this.ptr, this.ptr + CALL_BYTES);
    this.setWord(CALL.state, state);
    this.setWord(CALL.selection, selection.ptr);
    const status = kernels.function('keyedOpen')(state, kind === 'timers' ? 1 : 0);
    assert(status === 0, `state ${state} is there already as another kind of state`);
  }

  protected setWord(offset: number, value: number): void {
    this.kernels.memory.u32[(this.ptr + offset) >>> 2] = value;
  }

  protected word(offset: number): number {
    return this.kernels.memory.u32[(this.ptr + offset) >>> 2] ?? 0;
  }

  protected setSub(sub: Uint8Array): void {
    this.setWord(CALL.sub, this.#sub.copy(sub));
    this.setWord(CALL.subLength, sub.length);
  }

  protected view(ptr: number, length: number): Uint8Array {
    const at = this.word(ptr);
    return this.kernels.memory.u8.subarray(at, at + this.word(length));
  }

  /** Sub-key or tag of the last answer. */
  get sub(): Uint8Array {
    return this.view(OUT.sub, OUT.subLength);
  }

  get time(): number {
    return this.kernels.memory.f64[(this.ptr + OUT.time) >>> 3] ?? 0;
  }

  /** Selects the key of the last answer, which may have been removed by it. */
  selectAnswered(): void {
    this.selection.select(this.view(OUT.key, OUT.keyLength), this.word(OUT.hash));
  }

  get entries(): number {
    return this.kernels.function('stateEntries')(this.state);
  }
}

export type PutStatus = 'new' | 'replaced' | 'out of memory';

export interface TableExpiry {
  readonly ttlMs: number;
  readonly onAccess: boolean;
}

export class KeyedTableKernels extends CallBlock {
  readonly #value: InputBytes;
  readonly #get: (call: number) => number;
  readonly #put: (call: number) => number;
  readonly #delete: (call: number) => number;
  readonly #next: (call: number, cursor: number) => number;
  readonly #expire: (call: number) => number;
  readonly #earliest: (state: number) => number;

  constructor(kernels: KernelInstance, state: number, selection: KeyedSelection, expiry: TableExpiry | undefined) {
    super(kernels, state, selection, 'table');
    this.#value = new InputBytes(kernels);
    this.#get = kernels.function('keyedGet');
    this.#put = kernels.function('keyedPut');
    this.#delete = kernels.function('keyedDelete');
    this.#next = kernels.function('keyedNext');
    this.#expire = kernels.function('keyedExpire');
    this.#earliest = kernels.function('keyedEarliest');
    kernels.memory.f64[(this.ptr + CALL.ttl) >>> 3] = expiry?.ttlMs ?? 0;
    this.setWord(CALL.onAccess, expiry?.onAccess === true ? 1 : 0);
  }

  /** Whether there is a value; it stands in `value`. */
  get(sub: Uint8Array): boolean | 'out of memory' {
    this.setSub(sub);
    const found = this.#get(this.ptr);
    return found === OUT_OF_MEMORY ? 'out of memory' : found === 1;
  }

  /** Value of the last answer. */
  get value(): Uint8Array {
    return this.view(OUT.value, OUT.valueLength);
  }

  /** The entry of the last answer, a cursor for `next`. */
  get entry(): number {
    return this.word(OUT.entry);
  }

  put(sub: Uint8Array, value: Uint8Array): PutStatus {
    this.setSub(sub);
    this.setWord(CALL.value, this.#value.copy(value));
    this.setWord(CALL.valueLength, value.length);
    const status = this.#put(this.ptr);
    if (status === OUT_OF_MEMORY) return 'out of memory';
    return status === 1 ? 'new' : 'replaced';
  }

  /** The entry that the last put or removal took away or moved, 0: none; who stands at it belongs at `instead`. */
  get gone(): number {
    return this.word(OUT.gone);
  }

  get instead(): number {
    return this.word(OUT.instead);
  }

  delete(sub: Uint8Array): boolean {
    this.setSub(sub);
    return this.#delete(this.ptr) === 1;
  }

  clear(): void {
    this.kernels.function('keyedClear')(this.ptr);
  }

  /** Answers the entry of the selected key behind a cursor (0: the first). */
  next(cursor: number): boolean {
    return this.#next(this.ptr, cursor) === 1;
  }

  /** Time of the first that may expire; NaN: none. */
  get earliest(): number {
    return this.#earliest(this.state);
  }

  /** Removes the first expired entry and answers it with its key. 'again': one that was refreshed was in its way. */
  expire(): 'one' | 'none' | 'again' | 'out of memory' {
    const status = this.#expire(this.ptr);
    if (status === OUT_OF_MEMORY) return 'out of memory';
    return status === 0 ? 'none' : status === 1 ? 'one' : 'again';
  }
}

export class TimerKernels extends CallBlock {
  readonly #register: (call: number, time: number) => number;
  readonly #delete: (call: number, time: number) => number;
  readonly #next: (call: number, until: number) => number;
  readonly #earliest: (state: number) => number;

  constructor(kernels: KernelInstance, state: number, selection: KeyedSelection) {
    super(kernels, state, selection, 'timers');
    this.#register = kernels.function('timerRegister');
    this.#delete = kernels.function('timerDelete');
    this.#next = kernels.function('timerNext');
    this.#earliest = kernels.function('keyedEarliest');
  }

  register(time: number, tag: Uint8Array): boolean | 'out of memory' {
    this.setSub(tag);
    const status = this.#register(this.ptr, time);
    return status === OUT_OF_MEMORY ? 'out of memory' : status === 1;
  }

  delete(time: number, tag: Uint8Array): boolean {
    this.setSub(tag);
    return this.#delete(this.ptr, time) === 1;
  }

  /** Takes the first timer at or before `until` out; it stands in `time` and `sub`. */
  next(until: number): boolean {
    return this.#next(this.ptr, until) === 1;
  }

  /** Time of the first timer; NaN: none. */
  get earliest(): number {
    return this.#earliest(this.state);
  }
}
