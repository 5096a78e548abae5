/**
 * Rows of (key, value, at) for the benches of growth, made in memory from their number alone: keys are uniform, values 0 to 999,
 * one row in eight is out of order by up to the disorder, one in 1,024 so much that it is late for windows of up to 10 s.
 *
 * Invariants
 *  1. With `fillsKeys` the first rows are every key once, in the order of their numbers; then all keys are at random.
 *  2. LEAD_ROWS at random come before those that are measured: when memory has been reserved for a job, V8 looks for garbage for
 *     some tens of milliseconds, which is no cost of rows.
 *  3. Nothing is looked up to make a row, so no table of the source's takes part in the caches; the time that it takes is
 *     measured, and is no part of what the engine takes.
 */
import type { Json } from '../../src/base/json.ts';
import type { Poll, ReaderContext, SourceConnector, SplitReader } from '../../src/connector/source.ts';
import { BATCH_ROWS_MAX } from '../../src/data/record-batch.ts';
import type { TableSchema } from '../../src/data/schema.ts';
import { MadeColumns, madeSource } from './made-rows.ts';

export interface SteadyPlan {
  readonly keys: number;
  readonly fillsKeys: boolean;
  /** At random, and measured. */
  readonly rows: number;
  /** So many rows are a millisecond of event time. */
  readonly rowsPerMs: number;
}

/** What a part of the rows took: of all cores, and how much of the time on the clock was the source's own. */
export interface PartTimes {
  cpuMs: number;
  sourceShare: number;
}

export interface SteadyTimes {
  /** Rows that fill. */
  readonly fill: PartTimes;
  /** Rows at random. */
  readonly rows: PartTimes;
  /** Called when the rows are at their end. */
  atEnd: () => void;
}

export const BASE_TIME = 1_600_000_000_000;
export const DISORDER_MS = 1_000;
const LATE_MS = 15_000;
const VALUES = 1_000;
const WORD = 2 ** 32;

const LEAD_ROWS = 1_000_000;

export const rowsOf = ({ keys, rows, fillsKeys }: SteadyPlan): number => rows + LEAD_ROWS + (fillsKeys ? keys : 0);

/** murmur3's last steps: all bits of n in each. */
export function scattered(n: number): number {
  let h = n | 0;
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
}

export const keyOf = ({ keys, fillsKeys }: SteadyPlan, n: number): number =>
  fillsKeys && n < keys ? n : Math.floor((scattered(n) * keys) / WORD);

export const valueOf = (n: number): number => n % VALUES;

/** ms after BASE_TIME. */
export function timeOf({ rowsPerMs }: SteadyPlan, n: number): number {
  const draw = scattered(~n);
  const delay = (draw & 1023) === 0 ? LATE_MS : (draw & 7) === 1 ? draw % DISORDER_MS : 0;
  return Math.max(0, Math.floor(n / rowsPerMs) - delay);
}

export function steadySource(
  schema: TableSchema,
  plan: SteadyPlan,
): { readonly connector: SourceConnector; readonly times: SteadyTimes } {
  const times: SteadyTimes = {
    fill: { cpuMs: 0, sourceShare: 0 },
    rows: { cpuMs: 0, sourceShare: 0 },
    atEnd: () => undefined,
  };
  const connector = madeSource(schema, (context) => new SteadyRows(schema, plan, times, context));
  return { connector, times };
}

class SteadyRows implements SplitReader {
  readonly #plan: SteadyPlan;
  readonly #times: SteadyTimes;
  readonly #columns: MadeColumns;
  readonly #fillEnd: number;
  /** The part that is being measured: where it began, and what of it was the source's. */
  #part: PartTimes | undefined;
  #began = { at: 0, cpu: process.cpuUsage() };
  #ownMs = 0;
  position = 0;

  constructor(schema: TableSchema, plan: SteadyPlan, times: SteadyTimes, context: ReaderContext) {
    this.#plan = plan;
    this.#times = times;
    this.#columns = new MadeColumns(schema, context);
    this.#fillEnd = plan.fillsKeys ? plan.keys : 0;
  }

  poll(): Poll {
    const total = rowsOf(this.#plan);
    const leadEnd = this.#fillEnd + LEAD_ROWS;
    if (this.position === 0 && this.#fillEnd > 0) this.#beginPart(this.#times.fill);
    else if (this.position === this.#fillEnd) this.#beginPart(undefined);
    else if (this.position === leadEnd) this.#beginPart(this.#times.rows);
    else if (this.position === total) {
      this.#beginPart(undefined);
      this.#times.atEnd();
      return 'end';
    }
    const now = performance.now();
    const until = [this.#fillEnd, leadEnd, total].find((end) => end > this.position) ?? total;
    const rows = Math.min(BATCH_ROWS_MAX, until - this.position);
    this.#fill(rows);
    this.#ownMs += performance.now() - now;
    return this.#columns.batch(rows);
  }

  /** Where another part begins, the one before has ended. */
  #beginPart(part: PartTimes | undefined): void {
    const at = performance.now();
    if (this.#part !== undefined) {
      const { user, system } = process.cpuUsage(this.#began.cpu);
      this.#part.cpuMs = (user + system) / 1_000;
      this.#part.sourceShare = this.#ownMs / (at - this.#began.at);
    }
    this.#part = part;
    this.#began = { at, cpu: process.cpuUsage() };
    this.#ownMs = 0;
  }

  #fill(rows: number): void {
    const { u32 } = this.#columns.memory;
    const [key = 0, value = 0, at = 0] = this.#columns.words();
    for (let i = 0; i < rows; i++) {
      const n = this.position + i;
      u32[key + i * 2] = keyOf(this.#plan, n);
      u32[value + i * 2] = valueOf(n);
      const time = BASE_TIME + timeOf(this.#plan, n);
      const high = Math.floor(time / WORD);
      u32[at + i * 2] = time - high * WORD;
      u32[at + i * 2 + 1] = high;
    }
    this.position += rows;
  }

  offset(): Json {
    return this.position;
  }

  async ready(): Promise<void> {}
  async close(): Promise<void> {}
}
