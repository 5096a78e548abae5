/** Session windows row by row over plain objects: rows of a key whose windows [time, time + gap) overlap or touch. */

export interface SessionRow {
  readonly key: string;
  readonly time: number;
  /** The watermark before the row. */
  readonly watermark: number;
  readonly value: number;
}

export interface Session {
  readonly key: string;
  start: number;
  end: number;
  count: number;
  sum: number;
  min: number;
}

export class OracleSessions {
  readonly late: number[] = [];
  readonly fired: Session[] = [];
  readonly #gap: number;
  readonly #open = new Map<string, Session[]>();

  constructor(gap: number) {
    this.#gap = gap;
  }

  add({ key, time, watermark, value }: SessionRow, index: number): void {
    this.fireThrough(watermark);
    const end = time + this.#gap;
    const others = this.#open.get(key) ?? [];
    const met = others.filter((s) => s.start <= end && time <= s.end).sort((a, b) => a.start - b.start);
    const start = Math.min(time, ...met.map((s) => s.start));
    const merged: Session = {
      key,
      start,
      end: Math.max(end, ...met.map((s) => s.end)),
      count: met.reduce((n, s) => n + s.count, 1),
      sum: [...met.map((s) => s.sum), value].reduce((a, b) => a + b),
      min: Math.min(value, ...met.map((s) => s.min)),
    };
    if (merged.end - 1 <= watermark) this.late.push(index);
    else this.#open.set(key, [...others.filter((s) => !met.includes(s)), merged]);
  }

  /** In no particular order within a watermark; tests order by end, hash and key. */
  fireThrough(watermark: number): void {
    for (const [key, sessions] of this.#open) {
      for (const session of sessions) if (session.end - 1 <= watermark) this.fired.push(session);
      const kept = sessions.filter((s) => s.end - 1 > watermark);
      if (kept.length === 0) this.#open.delete(key);
      else if (kept.length < sessions.length) this.#open.set(key, kept);
    }
  }

  get open(): number {
    return [...this.#open.values()].reduce((n, sessions) => n + sessions.length, 0);
  }
}
