/**
 * The port of keyed state over plain maps, written from its description alone: what functions with state are tested on
 * without an arena, and what the arena's own is compared with.
 */
import type { Expiry, KeyedState, KeyedTable, StateKey, Timer, TimerService } from '../../src/state/keyed-state.ts';

const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');

interface Cell {
  readonly key: StateKey;
  readonly sub: Uint8Array;
  value: Uint8Array;
  expires: number;
}

class MapTable implements KeyedTable {
  readonly name: string;
  readonly #owner: MapKeyedState;
  readonly #expiry: Expiry | undefined;
  readonly cells = new Map<string, Map<string, Cell>>();

  constructor(name: string, owner: MapKeyedState, expiry: Expiry | undefined) {
    this.name = name;
    this.#owner = owner;
    this.#expiry = expiry;
  }

  get(sub: Uint8Array): Uint8Array | undefined {
    const cell = this.#live(text(sub));
    if (cell !== undefined && this.#expiry?.refresh === 'access')
      cell.expires = Math.max(cell.expires, this.#expires());
    return cell?.value;
  }

  put(sub: Uint8Array, value: Uint8Array): void {
    const cells = this.#own();
    const found = this.#live(text(sub));
    if (found !== undefined) {
      found.value = value.slice();
      found.expires = Math.max(found.expires, this.#expires());
      return;
    }
    cells.delete(text(sub));
    const { key } = this.#owner;
    cells.set(text(sub), { key, sub: sub.slice(), value: value.slice(), expires: this.#expires() });
  }

  delete(sub: Uint8Array): boolean {
    const was = this.#live(text(sub)) !== undefined;
    this.#own().delete(text(sub));
    return was;
  }

  *entries(): IterableIterator<{ readonly sub: Uint8Array; readonly value: Uint8Array }> {
    for (const cell of this.#own().values()) {
      if (cell.expires > this.#owner.now) yield cell;
    }
  }

  clear(): void {
    this.#own().clear();
  }

  #expires(): number {
    const { written } = this.#owner;
    return this.#expiry === undefined || written === undefined
      ? Number.POSITIVE_INFINITY
      : written + this.#expiry.ttlMs;
  }

  #live(sub: string): Cell | undefined {
    const cell = this.#own().get(sub);
    return cell !== undefined && cell.expires > this.#owner.now ? cell : undefined;
  }

  #own(): Map<string, Cell> {
    const key = text(this.#owner.key.bytes);
    const found = this.cells.get(key) ?? new Map<string, Cell>();
    this.cells.set(key, found);
    return found;
  }
}

interface Registered {
  readonly time: number;
  readonly tag: Uint8Array;
  readonly key: StateKey;
}

const order = (a: Registered, b: Registered): number =>
  a.time - b.time
  || a.key.hash - b.key.hash
  || Buffer.compare(a.key.bytes, b.key.bytes)
  || Buffer.compare(a.tag, b.tag);

class MapTimers implements TimerService {
  readonly #owner: MapKeyedState;
  #timers: Registered[] = [];

  constructor(owner: MapKeyedState) {
    this.#owner = owner;
  }

  register(time: number, tag: Uint8Array): boolean {
    const timer = { time, tag: tag.slice(), key: this.#owner.key };
    if (this.#timers.some((other) => order(timer, other) === 0)) return false;
    this.#timers.push(timer);
    this.#timers.sort(order);
    return true;
  }

  delete(time: number, tag: Uint8Array): boolean {
    const timer = { time, tag, key: this.#owner.key };
    const kept = this.#timers.filter((other) => order(timer, other) !== 0);
    const was = kept.length < this.#timers.length;
    this.#timers = kept;
    return was;
  }

  get earliest(): number | undefined {
    return this.#timers[0]?.time;
  }

  next(until: number): Timer | undefined {
    const [first] = this.#timers;
    if (first === undefined || first.time > until) return undefined;
    this.#timers.shift();
    this.#owner.select(first.key);
    return first;
  }

  get count(): number {
    return this.#timers.length;
  }
}

export class MapKeyedState implements KeyedState {
  readonly eventTimers = new MapTimers(this);
  readonly processingTimers = new MapTimers(this);
  readonly #tables = new Map<string, MapTable>();
  #key: StateKey | undefined;
  now = Number.MIN_SAFE_INTEGER;
  #time = Number.MIN_SAFE_INTEGER;

  /** From when on what is written lives; undefined: for ever, there is no time yet. */
  get written(): number | undefined {
    const from = Math.max(this.now, this.#time);
    return from === Number.MIN_SAFE_INTEGER ? undefined : from;
  }

  select({ bytes, hash }: StateKey): void {
    this.#key = { bytes: bytes.slice(), hash };
  }

  get key(): StateKey {
    if (this.#key === undefined) throw new Error('no key is selected');
    return this.#key;
  }

  open(name: string, expiry?: Expiry): KeyedTable {
    const table = this.#tables.get(name) ?? new MapTable(name, this, expiry);
    this.#tables.set(name, table);
    return table;
  }

  advance(now: number, written: number = now): void {
    this.now = Math.max(this.now, now);
    this.#time = written;
  }

  get earliestExpiry(): number | undefined {
    const times = [...this.#tables.values()].flatMap(({ cells }) =>
      [...cells.values()].flatMap((ofKey) => [...ofKey.values()].map(({ expires }) => expires)),
    );
    const earliest = Math.min(...times);
    return earliest === Number.POSITIVE_INFINITY ? undefined : earliest;
  }

  /** By time, then in the order in which tables were opened, then by key and sub-key. */
  expire(limit: number, expired: (table: KeyedTable, sub: Uint8Array, value: Uint8Array) => void): boolean {
    const gone = [...this.#tables.values()].flatMap((table, opened) =>
      [...table.cells.values()].flatMap((cells) =>
        [...cells]
          .filter(([, cell]) => cell.expires <= this.now)
          .map(([text, cell]) => ({ table, opened, cells, text, cell })),
      ),
    );
    gone.sort(
      (a, b) =>
        a.cell.expires - b.cell.expires
        || a.opened - b.opened
        || a.cell.key.hash - b.cell.key.hash
        || Buffer.compare(a.cell.key.bytes, b.cell.key.bytes)
        || Buffer.compare(a.cell.sub, b.cell.sub),
    );
    for (const { table, cells, text, cell } of gone.slice(0, limit)) {
      cells.delete(text);
      this.select(cell.key);
      expired(table, cell.sub, cell.value);
    }
    return gone.length > limit;
  }

  /** Entries of a table, over all keys, expired ones that were not removed included. */
  count(name: string): number {
    return [...(this.#tables.get(name)?.cells.values() ?? [])].reduce((sum, cells) => sum + cells.size, 0);
  }
}
