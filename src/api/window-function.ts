/** A function over all rows of a window, as users write it. */
import type { WindowProcess } from '../plan/logical.ts';
import type { TableSchema } from '../data/schema.ts';
import type { Columns, NewRow, Row } from './kind.ts';
import { isRecord, mistake } from '../base/mistake.ts';
import { requireKnownOptions, uidOf } from './options.ts';
import { type Schema, tableOf } from './schema.ts';

/** Something that JSON can hold, kept between firings. */
export interface KeptValue {
  get(): unknown;
  set(value: unknown): void;
  clear(): void;
}

export interface WindowFunctionContext {
  /** Milliseconds; half-open. */
  readonly start: number;
  readonly end: number;
  /** Kept until this window is gone. */
  readonly window: KeptValue;
  /** Kept for this key over all windows. */
  readonly key: KeptValue;
}

/** A function over all rows of a window. Keeps every row until the window fires: prefer aggregates where they do. */
export interface WindowFunction<C extends Columns, O extends Columns> {
  /** Called each time that a window fires, with its rows in the order in which they came. */
  rows(rows: readonly Row<C>[], context: WindowFunctionContext): Iterable<NewRow<O>>;
  /** The columns of what the function gives. */
  readonly out: Schema<O>;
  readonly uid?: string;
}

/** The parts of a window function, checked for users of JavaScript. */
export function windowFunctionOf(declared: unknown): {
  readonly schema: TableSchema;
  readonly uid: string | undefined;
  readonly process: WindowProcess;
} {
  if (!isRecord(declared)) throw mistake('process of a window', 'given { rows, out }', declared);
  requireKnownOptions(declared, ['rows', 'out', 'uid'], 'process of a window');
  const { rows, out, uid } = declared;
  if (typeof rows !== 'function') throw mistake('rows of process', 'a function of the rows of a window', rows);
  const name = uidOf(uid === undefined ? undefined : { uid: uid as string }, 'process'); // checked there
  // The types of `process` tie the function to the rows of the window's input.
  const run = rows as WindowProcess['rows'];
  return { schema: tableOf(out, 'out of process'), uid: name, process: { rows: run } };
}
