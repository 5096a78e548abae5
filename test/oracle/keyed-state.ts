/**
 * What keyed state means, with Maps: byte strings are texts of one character per byte, so that texts compare as bytes do.
 */
export interface OracleKey {
  readonly bytes: string;
  readonly hash: number;
}

export interface OracleEntry {
  value: string;
  /** Infinity: never. */
  expiry: number;
}

export interface OracleTimer {
  readonly time: number;
  readonly key: OracleKey;
  readonly tag: string;
}

export interface OracleExpired {
  readonly table: number;
  readonly key: OracleKey;
  readonly sub: string;
  readonly value: string;
}

const byText = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);
const byKey = (a: OracleKey, b: OracleKey): number => a.hash - b.hash || byText(a.bytes, b.bytes);

/** One table: entries by key, in order of insertion. */
export class OracleTable {
  readonly entries = new Map<string, { readonly key: OracleKey; readonly subs: Map<string, OracleEntry> }>();
  readonly ttl: number | undefined;
  readonly onAccess: boolean;

  constructor(ttl: number | undefined, onAccess: boolean) {
    this.ttl = ttl;
    this.onAccess = onAccess;
  }

  subs(key: OracleKey): Map<string, OracleEntry> {
    return this.entries.get(key.bytes)?.subs ?? new Map();
  }

  remove(key: OracleKey, sub: string): void {
    this.subs(key).delete(sub);
    if (this.subs(key).size === 0) this.entries.delete(key.bytes);
  }

  get size(): number {
    return [...this.entries.values()].reduce((sum, { subs }) => sum + subs.size, 0);
  }
}

export class OracleState {
  clock = Number.NEGATIVE_INFINITY;
  time = Number.NEGATIVE_INFINITY;
  key: OracleKey = { bytes: '', hash: 0 };
  readonly tables: readonly OracleTable[];
  timers: OracleTimer[] = [];

  constructor(tables: readonly OracleTable[]) {
    this.tables = tables;
  }

  clone(): OracleState {
    const copy = new OracleState(
      this.tables.map((table) => {
        const twin = new OracleTable(table.ttl, table.onAccess);
        for (const [bytes, { key, subs }] of table.entries)
          twin.entries.set(bytes, { key, subs: new Map([...subs].map(([sub, entry]) => [sub, { ...entry }])) });
        return twin;
      }),
    );
    Object.assign(copy, { clock: this.clock, time: this.time, key: this.key, timers: [...this.timers] });
    return copy;
  }

  #expiry(table: OracleTable): number {
    const from = Math.max(this.clock, this.time);
    return table.ttl === undefined || from === Number.NEGATIVE_INFINITY ? Number.POSITIVE_INFINITY : from + table.ttl;
  }

  #refresh(table: OracleTable, entry: OracleEntry): void {
    const expiry = this.#expiry(table);
    if (expiry === Number.POSITIVE_INFINITY) return;
    entry.expiry = entry.expiry === Number.POSITIVE_INFINITY ? expiry : Math.max(entry.expiry, expiry);
  }

  #visible(table: OracleTable, sub: string): OracleEntry | undefined {
    const entry = table.subs(this.key).get(sub);
    return entry !== undefined && entry.expiry > this.clock ? entry : undefined;
  }

  get(table: OracleTable, sub: string): string | undefined {
    const entry = this.#visible(table, sub);
    if (entry !== undefined && table.onAccess) this.#refresh(table, entry);
    return entry?.value;
  }

  put(table: OracleTable, sub: string, value: string): void {
    const entry = this.#visible(table, sub);
    if (entry !== undefined) {
      entry.value = value;
      this.#refresh(table, entry);
      return;
    }
    if (table.subs(this.key).has(sub)) table.remove(this.key, sub);
    const kept = table.entries.get(this.key.bytes) ?? { key: this.key, subs: new Map<string, OracleEntry>() };
    kept.subs.set(sub, { value, expiry: this.#expiry(table) });
    table.entries.set(this.key.bytes, kept);
  }

  delete(table: OracleTable, sub: string): boolean {
    if (this.#visible(table, sub) === undefined) return false;
    table.remove(this.key, sub);
    return true;
  }

  entries(table: OracleTable): [string, string][] {
    const visible = [...table.subs(this.key)].filter(([, { expiry }]) => expiry > this.clock);
    return visible.map(([sub, { value }]) => [sub, value]);
  }

  /** The first expired entry of all tables, taken out. */
  expire(): OracleExpired | undefined {
    const expired = this.tables.flatMap((table, number) =>
      [...table.entries.values()].flatMap(({ key, subs }) =>
        [...subs]
          .filter(([, { expiry }]) => expiry <= this.clock)
          .map(([sub, { value, expiry }]) => ({ table: number, key, sub, value, expiry })),
      ),
    );
    expired.sort((a, b) => a.expiry - b.expiry || a.table - b.table || byKey(a.key, b.key) || byText(a.sub, b.sub));
    const first = expired[0];
    if (first === undefined) return undefined;
    this.tables[first.table]?.remove(first.key, first.sub);
    this.key = first.key;
    return { table: first.table, key: first.key, sub: first.sub, value: first.value };
  }

  #timer(time: number, tag: string): number {
    return this.timers.findIndex((t) => t.time === time && t.tag === tag && t.key.bytes === this.key.bytes);
  }

  register(time: number, tag: string): boolean {
    if (this.#timer(time, tag) >= 0) return false;
    this.timers.push({ time, tag, key: this.key });
    this.timers.sort((a, b) => a.time - b.time || byKey(a.key, b.key) || byText(a.tag, b.tag));
    return true;
  }

  deleteTimer(time: number, tag: string): boolean {
    const at = this.#timer(time, tag);
    if (at >= 0) this.timers.splice(at, 1);
    return at >= 0;
  }

  nextTimer(until: number): OracleTimer | undefined {
    const first = this.timers[0];
    if (first === undefined || first.time > until) return undefined;
    this.timers.shift();
    this.key = first.key;
    return first;
  }
}
