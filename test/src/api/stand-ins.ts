/** Sources and sinks that are never opened, for tests that build plans. */
import type { SinkConnector } from '../../../src/connector/sink.ts';
import type { SourceConnector } from '../../../src/connector/source.ts';
import {
  from,
  int32,
  type Schema,
  schema,
  type Sink,
  type Source,
  timestamp,
  type UserError,
  utf8,
} from '../../../src/index.ts';
import type { Columns } from '../../../src/index.ts';
import { makeSink, makeSource, tableOf } from '../../../src/platform.ts';

const never = (): never => {
  throw new Error('a stand-in is never opened');
};

export function source<C extends Columns>(label: string, declared: Schema<C>): Source<C> {
  const table = tableOf(declared, 'the schema of a stand-in');
  const connector: SourceConnector = { schema: table, live: false, quantum: 1, splits: never, open: never };
  return makeSource(declared, connector, label);
}

const connector = (accepts: SinkConnector['accepts']): SinkConnector => ({ accepts, open: never });

export const sink = (label: string): Sink<'inserts only'> => makeSink('inserts only', connector('inserts'), label);
export const changelogSink = (label: string): Sink<'inserts, updates and deletes'> =>
  makeSink('inserts, updates and deletes', connector('changelog'), label);
export const tableSink = <C extends Columns>(label: string, declared: Schema<C>): Sink<'inserts only', C> =>
  makeSink('inserts only', connector('inserts'), label, declared);

export const Flight = schema({ scheduled: timestamp(), origin: utf8(), destination: utf8(), delayMinutes: int32() });
export const raw = from(source('flights', Flight));

/** The message of the mistake that `build` makes: code, text and hint, without its place. */
export function mistakeOf(build: () => unknown): string {
  try {
    build();
  } catch (error) {
    // Whatever is thrown without a code fails the test by the text that comes out.
    const { code, message, hint } = error as UserError;
    return `${code} ${message}${hint === undefined ? '' : ` | ${hint}`}`;
  }
  return 'no mistake';
}
