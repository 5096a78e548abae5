/**
 * Keyed state in plain maps: what the port promises (src/state/keyed-state.ts), written for tests of what stands on it.
 * Expiry is not modelled.
 */
import type { KeyedState, KeyedTable, StateKey, Timer, TimerService } from '../../src/state/keyed-state.ts';

const textOf = (bytes: Uint8Array): string => String.fromCharCode(...bytes);
const bytesOf = (text: string): Uint8Array => Uint8Array.from(text, (unit) => unit.charCodeAt(0));
const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

class MapTable implements KeyedTable {
  readonly name: string;
  readonly #keyText: () => string;
  readonly #keys = new Map<string, Map<string, Uint8Array>>();

  constructor(name: string, keyText: () => string) {
    this.name = name;
    this.#keyText = keyText;
  }

  get #map(): Map<string, Uint8Array> {
    const key = this.#keyText();
    let map = this.#keys.get(key);
    if (map === undefined) this.#keys.set(key, (map = new Map<string, Uint8Array>()));
    return map;
  }

  /** Sub-keys of all keys. */
  get size(): number {
    return [...this.#keys.values()].reduce((sum, map) => sum + map.size, 0);
  }

  get(sub: Uint8Array): Uint8Array | undefined {
    return this.#map.get(textOf(sub));
  }

  put(sub: Uint8Array, value: Uint8Array): void {
    this.#map.set(textOf(sub), value.slice());
  }

  delete(sub: Uint8Array): boolean {
    return this.#map.delete(textOf(sub));
  }

  *entries(): IterableIterator<{ readonly sub: Uint8Array; readonly value: Uint8Array }> {
    for (const [sub, value] of this.#map) yield { sub: bytesOf(sub), value };
  }

  clear(): void {
    this.#map.clear();
  }
}

interface MapTimer {
  readonly time: number;
  readonly tag: string;
  readonly key: StateKey;
}

class MapTimers implements TimerService {
  readonly #key: () => StateKey;
  readonly #select: (key: StateKey) => void;
  #timers: MapTimer[] = [];

  constructor(key: () => StateKey, select: (key: StateKey) => void) {
    this.#key = key;
    this.#select = select;
  }

  register(time: number, tag: Uint8Array): boolean {
    const text = textOf(tag);
    if (this.#index(time, text) >= 0) return false;
    this.#timers.push({ time, tag: text, key: this.#key() });
    this.#timers.sort(
      (a, b) =>
        a.time - b.time
        || a.key.hash - b.key.hash
        || compare(textOf(a.key.bytes), textOf(b.key.bytes))
        || compare(a.tag, b.tag),
    );
    return true;
  }

  delete(time: number, tag: Uint8Array): boolean {
    const index = this.#index(time, textOf(tag));
    if (index >= 0) this.#timers.splice(index, 1);
    return index >= 0;
  }

  get earliest(): number | undefined {
    return this.#timers[0]?.time;
  }

  next(until: number): Timer | undefined {
    const [first] = this.#timers;
    if (first === undefined || first.time > until) return undefined;
    this.#timers.shift();
    this.#select(first.key);
    return { time: first.time, tag: bytesOf(first.tag) };
  }

  get count(): number {
    return this.#timers.length;
  }

  /** Timers of the selected key with this tag. */
  countOf(tag: Uint8Array): number {
    const key = textOf(this.#key().bytes);
    return this.#timers.filter((timer) => timer.tag === textOf(tag) && textOf(timer.key.bytes) === key).length;
  }

  #index(time: number, tag: string): number {
    const key = textOf(this.#key().bytes);
    return this.#timers.findIndex(
      (timer) => timer.time === time && timer.tag === tag && textOf(timer.key.bytes) === key,
    );
  }
}

export class MapKeyedState implements KeyedState {
  #key: StateKey = { bytes: new Uint8Array(0), hash: 0 };
  readonly #tables = new Map<string, MapTable>();
  readonly eventTimers = new MapTimers(
    () => this.#key,
    (key) => this.select(key),
  );
  readonly processingTimers = new MapTimers(
    () => this.#key,
    (key) => this.select(key),
  );

  select(key: StateKey): void {
    this.#key = { bytes: key.bytes.slice(), hash: key.hash };
  }

  get key(): StateKey {
    return this.#key;
  }

  open(name: string): MapTable {
    let table = this.#tables.get(name);
    if (table === undefined) this.#tables.set(name, (table = new MapTable(name, () => textOf(this.#key.bytes))));
    return table;
  }

  advance(): void {}

  expire(): boolean {
    return false;
  }

  /** Entries that stand in all tables of all keys. */
  get entries(): number {
    return [...this.#tables.values()].reduce((sum, table) => sum + table.size, 0);
  }
}
