/**
 * Sources over what the program has at hand: rows in an array, or out of an async iterable. A row that the schema cannot
 * hold is a mistake in the program and fails the job (E1303).
 */
import { collectionSource, iterableSource } from '../format/collection-source.ts';
import type { Row as Cells } from '../format/row-view.ts';
import { located } from './call-site.ts';
import type { Columns, NewRow } from './kind.ts';
import { mistake } from '../base/mistake.ts';
import { requireKnownOptions } from './options.ts';
import { makeSource, type Source } from './port.ts';
import { type Schema, tableOf } from './schema.ts';

/** Rows of an array, which must not change while a job reads it. Replayable. */
export function collection<C extends Columns>(schema: Schema<C>, rows: readonly NewRow<C>[]): Source<C> {
  return located(() => {
    const table = tableOf(schema, 'the schema of collection');
    const given: unknown = rows;
    if (!Array.isArray(given)) throw mistake('the rows of collection', 'an array', given);
    // The builder checks each value against its column.
    return makeSource(schema, collectionSource(table, rows as readonly Cells[]), 'collection');
  });
}

/** What is known of an async iterable that is a source. */
export interface IterableOptions {
  /**
   * Every call of the function yields the same rows again: a restart then skips those that were read. Otherwise a restart
   * from a checkpoint fails with E1506.
   */
  readonly replayable?: boolean;
}

/** Rows of an async iterable, at most one batch ahead. The function is called at each start of the job. */
export function fromAsyncIterable<C extends Columns>(
  schema: Schema<C>,
  iterate: () => AsyncIterable<NewRow<C>>,
  options: IterableOptions = {},
): Source<C> {
  return located(() => {
    const table = tableOf(schema, 'the schema of fromAsyncIterable');
    const given: unknown = iterate;
    if (typeof given !== 'function') {
      throw mistake('the rows of fromAsyncIterable', 'a function that gives an async iterable', given);
    }
    requireKnownOptions(options, ['replayable'], 'fromAsyncIterable');
    // The builder checks each value against its column.
    const cells = iterate as () => AsyncIterable<Cells>;
    return makeSource(schema, iterableSource(table, cells, options), 'fromAsyncIterable');
  });
}
