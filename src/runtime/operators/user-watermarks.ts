/**
 * Watermarks by a user's function: asked after every row, and by the clock when it wants that.
 *
 * Invariants
 *  1. The watermark that a row carries is what the function said of the rows before it; what it says never moves it back.
 *  2. What it remembers of a split is plain data and part of the checkpoint.
 *  3. A function that throws fails the job, with the operator and the row in the message.
 */
import { UserError } from '../../base/errors.ts';
import type { Json } from '../../base/json.ts';
import { type EventTimeMs, eventTimeMs, formatTime, MIN_TIME } from '../../base/time.ts';
import type { Ptr, RecordBatch } from '../../data/record-batch.ts';
import type { TableSchema } from '../../data/schema.ts';
import { RowView, type TimestampHook } from '../../format/row-view.ts';
import type { LinearMemory } from '../../kernel/memory.ts';
import type { SplitState } from '../../kernel/watermark.ts';
import type { WatermarkGenerator } from '../../plan/logical.ts';

export interface UserWatermarksOptions {
  readonly uid: string;
  readonly memory: LinearMemory;
  readonly schema: TableSchema;
  readonly timestamp: TimestampHook;
  readonly generator: WatermarkGenerator;
}

export class UserWatermarks {
  readonly #options: UserWatermarksOptions;
  readonly #view: RowView;
  // checkpointed, by split
  readonly #states: Json[];

  constructor(options: UserWatermarksOptions, splits: number) {
    this.#options = options;
    this.#view = new RowView(options.memory, options.schema, { timestamp: options.timestamp });
    this.#states = Array.from({ length: splits }, () => options.generator.state());
  }

  /** One more split. */
  add(): void {
    this.#states.push(this.#options.generator.state());
  }

  get everyMs(): number | undefined {
    return this.#options.generator.periodic?.everyMs;
  }

  /** Writes the watermark before each row of `batch` to `out`; timestamps are milliseconds, one a row number. */
  assign(
    batch: RecordBatch,
    timestamps: Ptr,
    split: { readonly index: number; readonly state: SplitState },
    bounds: { readonly floor: EventTimeMs; readonly others: EventTimeMs },
    out: Ptr,
  ): void {
    const { i64 } = this.#options.memory;
    this.#view.bind(batch);
    for (let k = 0; k < batch.selected; k++) {
      this.#view.select(k);
      const row = this.#view.index;
      const before = Math.max(bounds.floor, Math.min(bounds.others, split.state.watermark));
      i64[(out >>> 3) + row] = before <= MIN_TIME ? NONE : BigInt(before);
      const at = Number(i64[(timestamps >>> 3) + row]);
      const next = this.#onRow(at, this.#states[split.index] ?? null);
      if (next !== undefined) split.state.moveTo(eventTimeMs(next));
    }
  }

  /** What the function says of a split at this time; undefined: nothing new. */
  periodic(split: number, nowMs: number): number | undefined {
    return this.#options.generator.periodic?.onPeriodic(nowMs, this.#states[split] ?? null);
  }

  snapshot(split: number): Json {
    // Later changes in place must not reach what is being written.
    return copyOf(this.#states[split] ?? null);
  }

  restore(split: number, state: Json | undefined): void {
    if (state !== undefined) this.#states[split] = state;
  }

  #onRow(at: number, state: Json): number | undefined {
    try {
      // The API's types tie the function to the rows of its input; the plan holds it without them.
      return this.#options.generator.onRow(this.#view.row as never, at, state);
    } catch (error) {
      const problem = error instanceof Error ? error.message : String(error);
      const row = this.#view.exactly((all) =>
        JSON.stringify(all, (_key, value: unknown) => (typeof value === 'bigint' ? `${value}n` : value)),
      );
      throw new UserError(
        'E1310',
        { does: 'watermark', at: ` at ${formatTime(at)}`, problem, row },
        { location: { operator: this.#options.uid }, cause: error },
      );
    }
  }
}

function copyOf(value: Json): Json {
  if (typeof value !== 'object' || value === null) return value;
  if (isList(value)) return value.map(copyOf);
  return Object.fromEntries(Object.entries(value).map(([name, part]) => [name, copyOf(part)]));
}

const isList = (value: Json): value is readonly Json[] => Array.isArray(value);

const NONE = -(2n ** 63n);
