/** Rows of one key put in order, recomputed from the description: lists that are sorted anew at every step. */

export interface OrderRow {
  readonly seq: number;
  readonly time: number;
  /** In force before it; never goes back. */
  readonly watermark: number;
  /** Tells rows apart. */
  readonly id: number;
}

export interface OrderRules {
  readonly maxWait: number;
  readonly maxRows: number;
  readonly maxAhead: number;
  readonly first: number | undefined;
}

export interface OrderedKey {
  /** Ids of rows. */
  readonly rows: readonly number[];
  /** From, to, since, given up at, why. */
  readonly gaps: readonly (readonly [number, number, number, number, string])[];
  /** Id and reason. */
  readonly extremes: readonly (readonly [number, string])[];
}

interface Because {
  readonly at: number;
  readonly why: string;
  readonly since?: number;
}

class NumberedKey {
  readonly rows: number[] = [];
  readonly gaps: (readonly [number, number, number, number, string])[] = [];
  readonly extremes: (readonly [number, string])[] = [];
  readonly #rules: OrderRules;
  readonly #givenUp = new Set<number>();
  #held: OrderRow[] = [];
  #begin: number | undefined;
  #next: number | undefined;
  #farSince: number | undefined;

  constructor(rules: OrderRules) {
    this.#rules = rules;
    this.#begin = rules.first;
    this.#next = rules.first;
  }

  /** The waits that are over when event time has come to `until`, the longest over first. */
  fire(until: number): void {
    for (;;) {
      const over = this.#held
        .filter(({ time }) => time + this.#rules.maxWait <= until)
        .sort((a, b) => a.time - b.time || a.seq - b.seq)[0];
      if (over === undefined) return;
      this.#waitedEnough(over, { at: over.time + this.#rules.maxWait, why: 'maxWait' });
    }
  }

  arrive(row: OrderRow): void {
    const { seq, time, watermark } = row;
    if (this.#next !== undefined && seq < this.#next) {
      this.extremes.push([row.id, this.#pastReason(seq)]);
    } else if (this.#held.some((held) => held.seq === seq)) {
      this.extremes.push([row.id, 'duplicate']);
    } else if (this.#isFar(seq)) {
      this.#far(row);
    } else {
      this.#farSince = undefined;
      this.#held.push(row);
      this.#goOn();
      const isHeld = this.#held.includes(row);
      if (isHeld && time + this.#rules.maxWait <= watermark) this.#waitedEnough(row, { at: watermark, why: 'maxWait' });
      else if (isHeld && this.#held.length > this.#rules.maxRows) {
        this.#waitedEnough(this.#sorted()[0] ?? row, { at: time, why: 'maxRows' });
      }
    }
  }

  #pastReason(seq: number): string {
    if (this.#givenUp.delete(seq)) return 'after its gap';
    return seq < (this.#begin ?? 0) ? 'too late' : 'duplicate';
  }

  #isFar(seq: number): boolean {
    return this.#next !== undefined && seq > this.#next + this.#rules.maxAhead;
  }

  #far(row: OrderRow): void {
    const since = this.#farSince;
    if (since !== undefined && since + this.#rules.maxWait <= row.watermark) {
      this.#farSince = undefined;
      this.#held.push(row);
      this.#giveUpTo(row.seq, { at: row.watermark, why: 'maxAhead', since });
    } else {
      this.#farSince ??= row.time;
      this.extremes.push([row.id, 'too far ahead']);
    }
  }

  #sorted(): readonly OrderRow[] {
    return [...this.#held].sort((a, b) => a.seq - b.seq);
  }

  #waitedEnough(row: OrderRow, because: Because): void {
    if (this.#next === undefined) {
      this.#next = this.#sorted()[0]?.seq ?? row.seq;
      this.#begin = this.#next;
    }
    if (this.#isFar(row.seq)) {
      this.#held = this.#held.filter((held) => held !== row);
      this.#farSince ??= row.time;
      this.extremes.push([row.id, 'too far ahead']);
      this.#goOn();
    } else {
      this.#giveUpTo(row.seq, because);
    }
  }

  #giveUpTo(seq: number, { at, why, since }: Because): void {
    const earliest = since ?? Math.min(...this.#held.map(({ time }) => time));
    for (let missing: number[] = []; (this.#next ?? 0) <= seq; this.#next = (this.#next ?? 0) + 1) {
      const next = this.#next ?? 0;
      const row = this.#held.find((held) => held.seq === next);
      if (row === undefined) {
        missing.push(next);
        this.#givenUp.add(next);
        continue;
      }
      if (missing.length > 0) this.gaps.push([missing[0] ?? 0, next - 1, earliest, at, why]);
      missing = [];
      this.rows.push(row.id);
      this.#held = this.#held.filter((held) => held !== row);
    }
    this.#goOn();
  }

  /** What follows without a gap. */
  #goOn(): void {
    for (;;) {
      const row = this.#held.find(({ seq }) => seq === this.#next);
      if (row === undefined) return;
      this.rows.push(row.id);
      this.#held = this.#held.filter((held) => held !== row);
      this.#next = row.seq + 1;
    }
  }
}

export function orderedByNumber(rows: readonly OrderRow[], rules: OrderRules): OrderedKey {
  const key = new NumberedKey(rules);
  for (const row of rows) {
    key.fire(row.watermark);
    key.arrive(row);
  }
  key.fire(Number.POSITIVE_INFINITY);
  return { rows: key.rows, gaps: key.gaps, extremes: key.extremes };
}

/** Each row leaves when event time is maxWait beyond it; the earliest at once when too many wait. */
export function orderedByTime(rows: readonly OrderRow[], { maxWait, maxRows }: OrderRules): OrderedKey {
  let held: OrderRow[] = [];
  let last = Number.NEGATIVE_INFINITY;
  const out: number[] = [];
  const extremes: [number, string][] = [];
  const release = (isOver: (row: OrderRow) => boolean): void => {
    for (const row of held.filter(isOver).sort((a, b) => a.time - b.time || a.id - b.id)) {
      out.push(row.id);
      last = row.time;
    }
    held = held.filter((row) => !isOver(row));
  };
  for (const row of rows) {
    release(({ time }) => time + maxWait <= row.watermark);
    if (row.time < last) {
      extremes.push([row.id, 'too late']);
      continue;
    }
    held.push(row);
    release(({ time }) => time + maxWait <= row.watermark);
    const first = [...held].sort((a, b) => a.time - b.time || a.id - b.id)[0];
    if (held.length > maxRows) release((one) => one === first);
  }
  release(() => true);
  return { rows: out, gaps: [], extremes };
}
