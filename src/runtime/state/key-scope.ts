/**
 * The key that handles of state are about, and the keys of the batch at hand as objects that are the same for equal keys.
 *
 * Invariants
 *  1. Handles reach the port through `select` alone: selecting costs a look-up, so it is done when a handle needs it.
 *  2. Between two calls of `forget` equal keys are one object, so that caches may go by it.
 */
import type { KeyedState, StateKey } from '../../state/keyed-state.ts';

/** What state that is no key's lies under: no key encodes to nothing. The hash is the frozen one of no bytes. */
const NO_KEY: StateKey = { bytes: new Uint8Array(0), hash: 2627757809 };
const KEYS_MAX = 16_384;

export class KeyScope {
  readonly #state: KeyedState;
  readonly #keys = new Map<number, StateKey[]>();
  #count = 0;
  /** The key at hand. */
  key: StateKey = NO_KEY;
  /** What the port has selected; undefined when it has selected by itself since. */
  #selected: StateKey | undefined;

  constructor(state: KeyedState) {
    this.#state = state;
  }

  /** The key whose bytes are those of `u8` in [start, end). */
  keyOf(u8: Uint8Array, start: number, end: number, hash: number): StateKey {
    let same = this.#keys.get(hash);
    if (same === undefined) {
      same = [];
      this.#keys.set(hash, same);
    }
    for (const key of same) if (equals(key.bytes, u8, start, end)) return key;
    const key = { bytes: u8.slice(start, end), hash };
    same.push(key);
    this.#count++;
    return key;
  }

  /** Drops the objects of keys when they are many. Only when no cache goes by them. */
  forget(): void {
    if (this.#count < KEYS_MAX) return;
    this.#keys.clear();
    this.#count = 0;
  }

  /** The port with `key` selected. */
  select(key: StateKey): KeyedState {
    if (this.#selected !== key) {
      this.#state.select(key);
      this.#selected = key;
    }
    return this.#state;
  }

  /** The port for calls that select by themselves: timers, expiry. */
  get whole(): KeyedState {
    this.#selected = undefined;
    return this.#state;
  }

  /** Makes the key that the port has selected the one at hand. */
  adopt(): void {
    const { bytes, hash } = this.#state.key;
    this.key = this.keyOf(bytes, 0, bytes.length, hash);
  }

  /** Makes no key the one at hand: for state that is the same for all. */
  leave(): void {
    this.key = NO_KEY;
  }
}

function equals(bytes: Uint8Array, u8: Uint8Array, start: number, end: number): boolean {
  if (bytes.length !== end - start) return false;
  for (let i = 0; i < bytes.length; i++) if (bytes[i] !== u8[start + i]) return false;
  return true;
}
