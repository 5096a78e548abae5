/**
 * Rows that a test gives in place of a source: one split, replayable, arriving a few at a time on virtual time.
 *
 * Invariants
 *  1. Offsets count rows: the same rows follow an offset, however they arrive.
 *  2. Nothing arrives before the clock says so.
 * Not here: rows into columns and their checks (format/collection-source.ts).
 */
import type { Columns, NewRow } from '../api/kind.ts';
import { mistake } from '../base/mistake.ts';
import { type Schema, tableOf } from '../api/schema.ts';
import type { Clock } from '../base/clock.ts';
import type { Json } from '../base/json.ts';
import type { Poll, SourceConnector, SplitReader } from '../connector/source.ts';
import type { TableSchema } from '../data/schema.ts';
import { collectionSource } from '../format/collection-source.ts';
import type { Row } from '../format/row-view.ts';

/** What takes the place of a source. Made with `rows`. */
export interface Input {
  /** How many there are. */
  readonly rows: number;
}

export class GivenRows implements Input {
  readonly schema: TableSchema;
  readonly list: readonly Row[];

  constructor(schema: TableSchema, list: readonly Row[]) {
    this.schema = schema;
    this.list = list;
  }

  get rows(): number {
    return this.list.length;
  }
}

/** Rows for a source with this schema, in the order in which it gives them. */
export function rows<C extends Columns>(schema: Schema<C>, list: readonly NewRow<C>[]): Input {
  if (!Array.isArray(list)) throw mistake('rows', 'given an array of rows', list);
  return new GivenRows(tableOf(schema, 'the schema of rows'), [...list]);
}

export function rowsOf(given: unknown, what: string): GivenRows {
  if (given instanceof GivenRows) return given;
  throw mistake(what, 'made with rows(schema, [...])', given);
}

/** `atOnce` rows arrive each millisecond of `clock`. */
export function givenRowsSource({ schema, list }: GivenRows, clock: Clock, atOnce: number): SourceConnector {
  const all = collectionSource(schema, list);
  return {
    ...all,
    open: async (split, offset, context) =>
      new ArrivingRows(await all.open(split, offset, context), list.length, clock, atOnce),
  };
}

class ArrivingRows implements SplitReader {
  readonly #all: SplitReader;
  readonly #count: number;
  readonly #clock: Clock;
  readonly #atOnce: number;
  /** Rows before this position have arrived. */
  #arrived: number;
  #arriving: Promise<void> | undefined;

  constructor(all: SplitReader, count: number, clock: Clock, atOnce: number) {
    this.#all = all;
    this.#count = count;
    this.#clock = clock;
    this.#atOnce = atOnce;
    this.#arrived = all.position;
  }

  get position(): number {
    return this.#all.position;
  }

  poll(quantumEnd: number): Poll {
    const { position } = this.#all;
    if (position < this.#count && position < quantumEnd && position >= this.#arrived) return 'wait';
    return this.#all.poll(Math.min(quantumEnd, Math.max(this.#arrived, position)));
  }

  async ready(): Promise<void> {
    if (this.#all.position < this.#arrived) return;
    this.#arriving ??= this.#clock.sleep(1).then(() => {
      this.#arriving = undefined;
      this.#arrived = Math.min(this.#count, this.#arrived + this.#atOnce);
    });
    await this.#arriving;
  }

  offset(): Json {
    return this.#all.offset();
  }

  close(): Promise<void> {
    return this.#all.close();
  }
}
