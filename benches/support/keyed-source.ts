/**
 * Rows of (key, value, at) made in memory for the benches of keyed state: first every key once, then updates of keys that a
 * plan picks, until it has enough.
 *
 * Invariants
 *  1. An epoch is what lies between two cuts: the engine asks for the offset at a cut, and at no other time while it runs.
 *  2. In one epoch after the filling at most the plan's keys are updated; how many were is counted row by row.
 *  3. The gaps are those between two polls: all that the engine does with a batch, checkpoints, growth and the host's turn.
 */
import type { Json } from '../../src/base/json.ts';
import { type Random, seededRandom, uniform } from '../../src/base/random.ts';
import type { Poll, ReaderContext, SourceConnector, SplitReader } from '../../src/connector/source.ts';
import { BATCH_ROWS_MAX } from '../../src/data/record-batch.ts';
import type { TableSchema } from '../../src/data/schema.ts';
import { MadeColumns, madeSource } from './made-rows.ts';

export type Skew = 'uniform' | 'zipf';

export interface KeyedPlan {
  readonly keys: number;
  readonly skew: Skew;
  /** Share of the keys that are updated in one epoch. */
  readonly updatedShare: number;
  /** When to end: so many cuts after the filling, or so many rows. */
  readonly epochs: number;
  readonly rowsMax: number;
  /** An epoch ends after so many rows, cut or not: for a run without cuts that does what one with cuts did. */
  readonly epochRows?: number;
}

export interface Epoch {
  readonly changedKeys: number;
  /** Whether it began after the filling. */
  readonly isSteady: boolean;
}

/** What a reader has made, for the checks and figures of a bench. */
export interface Made {
  rows: number;
  /** Sum of all values. */
  total: number;
  /** ms of each time between two polls. */
  readonly gaps: number[];
  readonly epochs: Epoch[];
  /** Rows and time after the filling. */
  steadyRows: number;
  steadyMs: number;
  rssAtEnd: number;
  /** Called at each cut. */
  onCut: () => void;
}

const VALUES = 1_000;
const TABLES = 8;
const ZIPF_EXPONENT = 1.2;

export const BASE_TIME = 1_600_000_000_000;

export function keyedSource(
  schema: TableSchema,
  plan: KeyedPlan,
): { readonly connector: SourceConnector; readonly made: Made } {
  const made: Made = {
    rows: 0,
    total: 0,
    gaps: [],
    epochs: [],
    steadyRows: 0,
    steadyMs: 0,
    rssAtEnd: 0,
    onCut: () => undefined,
  };
  return { connector: madeSource(schema, (context) => new KeyedRows(schema, plan, made, context)), made };
}

/** Keys by turns: each table holds the updates of one epoch, so often as it takes until enough keys are in it. */
export function updateTables({
  keys,
  skew,
  updatedShare,
}: Pick<KeyedPlan, 'keys' | 'skew' | 'updatedShare'>): readonly Uint32Array[] {
  const distinct = Math.max(1, Math.floor(keys * updatedShare));
  if (skew === 'uniform') {
    const step = Math.floor(keys / distinct);
    return Array.from({ length: TABLES }, (_, t) =>
      Uint32Array.from({ length: distinct }, (_, j) => (j * step + t * 7) % keys),
    );
  }
  return Array.from({ length: TABLES }, (_, t) => zipfTable(keys, distinct, seededRandom(t + 1)));
}

function zipfTable(keys: number, distinct: number, random: Random): Uint32Array {
  const seen = new Set<number>();
  const drawn: number[] = [];
  while (seen.size < distinct) {
    const key = zipf(keys, random);
    seen.add(key);
    drawn.push(key);
  }
  return Uint32Array.from(drawn);
}

/** By the inverse of the continuous distribution; ranks are keys, and the engine's hash scatters them. */
function zipf(keys: number, random: Random): number {
  const end = keys ** (1 - ZIPF_EXPONENT);
  return Math.min(keys - 1, Math.floor(((end - 1) * uniform(random) + 1) ** (1 / (1 - ZIPF_EXPONENT)) - 1));
}

class KeyedRows implements SplitReader {
  readonly #plan: KeyedPlan;
  readonly #made: Made;
  readonly #columns: MadeColumns;
  readonly #tables: readonly Uint32Array[];
  /** By key the epoch of its last update. */
  readonly #changedIn: Uint8Array;
  #changed = 0;
  #epoch = 1;
  #steadyEpochs = 0;
  #steadySince = Number.NaN;
  /** Rows after the filling at which the next epoch begins without a cut. */
  #epochEnd: number;
  #lastPoll = Number.NaN;
  position = 0;

  constructor(schema: TableSchema, plan: KeyedPlan, made: Made, context: ReaderContext) {
    this.#plan = plan;
    this.#epochEnd = plan.epochRows ?? Number.POSITIVE_INFINITY;
    this.#made = made;
    this.#columns = new MadeColumns(schema, context);
    this.#tables = updateTables(plan);
    this.#changedIn = new Uint8Array(plan.keys);
  }

  poll(): Poll {
    const now = performance.now();
    if (!Number.isNaN(this.#lastPoll)) this.#made.gaps.push(now - this.#lastPoll);
    this.#lastPoll = now;
    const { keys, epochs, rowsMax, epochRows = Number.POSITIVE_INFINITY } = this.#plan;
    if (this.position >= keys && Number.isNaN(this.#steadySince)) this.#steadySince = now;
    if (this.#steadyEpochs >= epochs || this.position >= rowsMax) {
      this.#made.steadyMs = now - this.#steadySince;
      this.#made.steadyRows = this.position - keys;
      this.#made.rssAtEnd = process.memoryUsage.rss();
      return 'end';
    }
    if (this.position - keys >= this.#epochEnd) {
      this.#epochEnd += epochRows;
      this.#nextEpoch();
    }
    return this.#columns.batch(this.#fill());
  }

  #fill(): number {
    const { keys, rowsMax } = this.#plan;
    const { i64, u32, i32 } = this.#columns.memory;
    const [key = 0, value = 0, at = 0] = this.#columns.words();
    const isFilling = this.position < keys;
    const rows = Math.min(BATCH_ROWS_MAX, isFilling ? keys - this.position : rowsMax - this.position);
    const table = this.#tables[this.#epoch % TABLES] ?? new Uint32Array(1);
    for (let i = 0; i < rows; i++) {
      const n = this.position + i;
      const picked = isFilling ? n : (table[n % table.length] ?? 0);
      u32[key + i * 2] = picked;
      i32[value + i * 2] = n % VALUES;
      this.#made.total += n % VALUES;
      if (this.#changedIn[picked] !== this.#epoch) {
        this.#changedIn[picked] = this.#epoch;
        this.#changed++;
      }
    }
    i64.fill(BigInt(BASE_TIME), at >>> 1, (at >>> 1) + rows);
    this.position += rows;
    this.#made.rows = this.position;
    return rows;
  }

  offset(): Json {
    this.#made.epochs.push({ changedKeys: this.#changed, isSteady: this.#steadyEpochs > 0 });
    if (this.position >= this.#plan.keys) this.#steadyEpochs++;
    this.#nextEpoch();
    this.#made.onCut();
    return this.position;
  }

  #nextEpoch(): void {
    this.#epoch = (this.#epoch % 255) + 1;
    this.#changed = 0;
  }

  async ready(): Promise<void> {}
  async close(): Promise<void> {}
}
