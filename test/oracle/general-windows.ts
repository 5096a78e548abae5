/**
 * Windows with triggers, evictors and lateness, recomputed from their definition: every window is a list of rows, and
 * what is due is looked for anew at every step. Written from the specification; imports nothing of the engine.
 */

export interface OracleRow {
  readonly key: string;
  readonly value: number;
  readonly time: number;
  /** The watermark in force before the row. */
  readonly watermark: number;
  readonly gapMs: number;
}

export type OracleWindow =
  | { readonly kind: 'tumbling'; readonly sizeMs: number }
  | { readonly kind: 'hopping'; readonly sizeMs: number; readonly slideMs: number }
  | { readonly kind: 'cumulating'; readonly sizeMs: number; readonly stepMs: number }
  | { readonly kind: 'session' }
  | { readonly kind: 'global' }
  | { readonly kind: 'count'; readonly rows: number; readonly slide: number };

export type OracleTrigger =
  | { readonly kind: 'none' }
  | { readonly kind: 'count'; readonly rows: number; readonly purges: boolean }
  | { readonly kind: 'eachRow' }
  | { readonly kind: 'continuous'; readonly intervalMs: number }
  | { readonly kind: 'earlyAndLate'; readonly early: number; readonly late: number | undefined };

export interface OracleCase {
  readonly window: OracleWindow;
  readonly trigger: OracleTrigger;
  readonly latenessMs: number;
  readonly mode: 'accumulating' | 'discarding' | 'retracting' | 'final';
  /** Only the last so many rows count. */
  readonly keep: number | undefined;
}

export interface OracleOutput {
  /** Results after each row, sorted; the last entry has those of the end. */
  readonly steps: readonly (readonly string[])[];
  /** Indexes of late rows. */
  readonly late: readonly number[];
}

interface Open {
  readonly key: string;
  start: number;
  end: number;
  rows: number[];
  /** Rows since the count trigger fired; of two phases the early one. */
  seen: number;
  /** Rows since the late count trigger fired. */
  seenLate: number;
  hasFiredOnTime: boolean;
  /** Next time of a continuous trigger. */
  next: number | undefined;
  /** Whether the end is still to be told. */
  waitsForEnd: boolean;
  before: string | undefined;
}

const FOREVER = Number.MAX_SAFE_INTEGER;

export function oracleOf(spec: OracleCase, rows: readonly OracleRow[]): OracleOutput {
  const engine = new Engine(spec);
  const steps = rows.map((row, index) => {
    engine.advance(row.watermark);
    engine.row(row, index);
    return engine.take();
  });
  engine.advance(FOREVER);
  return { steps: [...steps, engine.take()], late: engine.late };
}

class Engine {
  readonly late: number[] = [];
  readonly #spec: OracleCase;
  #open: Open[] = [];
  #out: string[] = [];
  #time = Number.MIN_SAFE_INTEGER;
  readonly #positions = new Map<string, number>();

  constructor(spec: OracleCase) {
    this.#spec = spec;
  }

  take(): readonly string[] {
    const out = this.#out.sort();
    this.#out = [];
    return out;
  }

  get #hasEnds(): boolean {
    return this.#spec.window.kind !== 'global' && this.#spec.window.kind !== 'count';
  }

  /** When a window is forgotten. */
  #over(end: number): number {
    return this.#hasEnds ? end - 1 + this.#spec.latenessMs : Number.POSITIVE_INFINITY;
  }

  advance(watermark: number): void {
    const until = Math.max(this.#time, watermark);
    for (;;) {
      const due = this.#open
        .flatMap((open) => this.#timesOf(open).map((time) => ({ open, time })))
        .filter(({ time }) => time <= until)
        .sort((a, b) => a.time - b.time)[0];
      if (due === undefined) break;
      this.#time = until;
      this.#tell(due.open, due.time);
    }
    this.#time = until;
  }

  #timesOf({ end, next, waitsForEnd }: Open): readonly number[] {
    return [...(waitsForEnd ? [end - 1] : []), ...(next === undefined ? [] : [next]), this.#over(end)];
  }

  #tell(open: Open, time: number): void {
    const { trigger } = this.#spec;
    if (open.waitsForEnd && time === open.end - 1) {
      open.waitsForEnd = false;
      open.hasFiredOnTime = true;
      if (time === open.next) open.next = undefined;
      this.#fire(open);
    } else if (time === open.next && trigger.kind === 'continuous') {
      // At the end of time a window without an end has one more firing, not one for every interval of eternity.
      const after = this.#time === FOREVER && open.end > FOREVER ? FOREVER : time + trigger.intervalMs;
      open.next = time === open.end - 1 ? undefined : Math.min(after, open.end - 1);
      this.#fire(open);
    }
    if (time === this.#over(open.end)) this.#forget(open);
  }

  #forget(open: Open): void {
    if (this.#spec.mode === 'final') this.#put(open);
    this.#open = this.#open.filter((other) => other !== open);
  }

  #fire(open: Open): void {
    if (this.#spec.mode !== 'final') this.#put(open);
    if (this.#spec.mode === 'discarding') open.rows = [];
  }

  #put(open: Open): void {
    const { keep, mode } = this.#spec;
    if (keep !== undefined) open.rows = open.rows.slice(-keep);
    if (open.rows.length === 0) return;
    const sum = open.rows.reduce((total, value) => total + value, 0);
    const result = this.#text(open, `${open.rows.length} ${sum}`);
    if (mode === 'retracting' && open.before === result) return;
    if (mode === 'retracting' && open.before !== undefined) {
      this.#out.push(`-U ${open.before}`, `+U ${result}`);
    } else {
      this.#out.push(`+I ${result}`);
    }
    open.before = result;
  }

  #text({ key, start, end }: Open, result: string): string {
    const { kind } = this.#spec.window;
    if (kind === 'global') return `${key} ${result}`;
    return kind === 'count' ? `${key} #${start} ${result}` : `${key} [${start}, ${end}) ${result}`;
  }

  row(row: OracleRow, index: number): void {
    let taken = 0;
    const windows = this.#windowsOf(row);
    for (const [start, end] of windows) {
      const open =
        this.#spec.window.kind === 'session' ? this.#join(row.key, start, end) : this.#find(row.key, start, end);
      if (this.#over(open.end) <= this.#time) {
        this.#open = this.#open.filter((other) => other !== open);
        continue;
      }
      taken++;
      open.rows.push(row.value);
      this.#onRow(open, row);
    }
    if (taken === 0) this.late.push(index);
  }

  #onRow(open: Open, { time }: OracleRow): void {
    const { trigger, window } = this.#spec;
    const isPast = open.end - 1 <= this.#time;
    if (window.kind === 'count') {
      if (open.rows.length < window.rows) return;
      this.#fire(open);
      this.#open = this.#open.filter((other) => other !== open);
      return;
    }
    switch (trigger.kind) {
      case 'none':
        if (!this.#hasEnds) return;
        if (isPast) this.#fire(open);
        else open.waitsForEnd = true;
        return;
      case 'eachRow':
        this.#fire(open);
        return;
      case 'count':
        if (++open.seen < trigger.rows) return;
        open.seen = 0;
        this.#fire(open);
        if (trigger.purges) open.rows = [];
        return;
      case 'continuous':
        if (isPast) {
          this.#fire(open);
          return;
        }
        open.waitsForEnd = true;
        open.next ??= Math.min(
          Math.floor(time / trigger.intervalMs) * trigger.intervalMs + trigger.intervalMs,
          open.end - 1,
        );
        return;
      case 'earlyAndLate': {
        if (open.hasFiredOnTime && trigger.late !== undefined) {
          if (++open.seenLate < trigger.late) return;
          open.seenLate = 0;
        } else if (!isPast) {
          open.waitsForEnd = true;
          if (++open.seen < trigger.early) return;
          open.seen = 0;
        } else {
          this.#fire(open);
          return;
        }
        this.#fire(open);
      }
    }
  }

  #windowsOf({ key, time, gapMs }: OracleRow): readonly (readonly [number, number])[] {
    const { window } = this.#spec;
    switch (window.kind) {
      case 'tumbling':
        return multiples(time, window.sizeMs, window.sizeMs).map((start) => [start, start + window.sizeMs]);
      case 'hopping':
        return multiples(time, window.sizeMs, window.slideMs).map((start) => [start, start + window.sizeMs]);
      case 'cumulating': {
        const [start = 0] = multiples(time, window.sizeMs, window.sizeMs);
        const ends = Array.from({ length: window.sizeMs / window.stepMs }, (_, i) => start + (i + 1) * window.stepMs);
        return ends.filter((end) => time < end).map((end) => [start, end]);
      }
      case 'session':
        return [[time, time + gapMs]];
      case 'global':
        return [[0, FOREVER + 1]];
      case 'count': {
        const position = this.#positions.get(key) ?? 0;
        this.#positions.set(key, position + 1);
        const ids = Array.from({ length: position + 1 }, (_, id) => id);
        const { rows, slide } = window;
        return ids.filter((id) => id * slide <= position && position < id * slide + rows).map((id) => [id, id + 1]);
      }
    }
  }

  #find(key: string, start: number, end: number): Open {
    const found = this.#open.find((open) => open.key === key && open.start === start && open.end === end);
    return found ?? this.#begin(key, start, end);
  }

  #begin(key: string, start: number, end: number): Open {
    const open: Open = {
      key,
      start,
      end,
      rows: [],
      seen: 0,
      seenLate: 0,
      hasFiredOnTime: false,
      next: undefined,
      waitsForEnd: false,
      before: undefined,
    };
    this.#open.push(open);
    return open;
  }

  /** The session that a row's window joins or founds. */
  #join(key: string, start: number, end: number): Open {
    const met = this.#open.filter((open) => open.key === key && open.start <= end && open.end >= start);
    const [first] = met;
    if (first === undefined) return this.#begin(key, start, end);
    const whole = {
      start: Math.min(start, ...met.map((open) => open.start)),
      end: Math.max(end, ...met.map((open) => open.end)),
    };
    if (whole.start === first.start && whole.end === first.end) return first;
    if (this.#spec.mode === 'retracting') {
      for (const { before } of met) if (before !== undefined) this.#out.push(`-D ${before}`);
    }
    this.#open = this.#open.filter((open) => !met.includes(open));
    const joined = this.#begin(key, whole.start, whole.end);
    joined.rows = met.flatMap(({ rows }) => rows);
    // Every trigger adds up what it has counted of the sessions that become one.
    joined.seen = met.reduce((sum, { seen }) => sum + seen, 0);
    joined.seenLate = met.reduce((sum, { seenLate }) => sum + seenLate, 0);
    const nexts = met.flatMap(({ next }) => next ?? []);
    joined.next = nexts.length === 0 ? undefined : Math.min(...nexts);
    joined.waitsForEnd = this.#firesAtEnd && whole.end - 1 > this.#time;
    return joined;
  }

  get #firesAtEnd(): boolean {
    const { kind } = this.#spec.trigger;
    return kind === 'none' || kind === 'continuous' || kind === 'earlyAndLate';
  }
}

/** Starts of the windows of a size and step that hold a time. */
function multiples(time: number, sizeMs: number, stepMs: number): readonly number[] {
  const starts: number[] = [];
  for (let start = Math.floor(time / stepMs) * stepMs; start > time - sizeMs; start -= stepMs) starts.push(start);
  return starts;
}
