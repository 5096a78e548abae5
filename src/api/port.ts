/**
 * Sources and sinks as users pass them around: a connector under a type that says which rows it gives or takes. Hosts make
 * them (makeSource, makeSink); users only hand them to `from` and `to`.
 */
import { UserError } from '../base/errors.ts';
import type { SinkConnector } from '../connector/sink.ts';
import type { SourceConnector } from '../connector/source.ts';
import type { TableSchema } from '../data/schema.ts';
import type { Columns } from './kind.ts';
import { describe, type Schema, tableOf } from './schema.ts';

declare const takes: unique symbol;

export interface Source<out C extends Columns> {
  readonly schema: Schema<C>;
  /** As explain prints it. */
  readonly label: string;
}

export type Accepts = 'inserts only' | 'inserts, updates and deletes';

/** A sink for rows of columns C; by default any. */
export interface Sink<out A extends Accepts, in C = unknown> {
  readonly accepts: A;
  readonly label: string;
  readonly [takes]: (columns: C) => void;
}

class SourceDeclaration {
  readonly schema: Schema<Columns>;
  readonly label: string;
  readonly connector: SourceConnector;

  constructor(schema: Schema<Columns>, label: string, connector: SourceConnector) {
    this.schema = schema;
    this.label = label;
    this.connector = connector;
  }
}

class SinkDeclaration {
  readonly accepts: Accepts;
  readonly label: string;
  readonly connector: SinkConnector;
  /** The columns that it takes, in any order; undefined: any. */
  readonly expects: TableSchema | undefined;

  constructor(accepts: Accepts, label: string, connector: SinkConnector, expects: TableSchema | undefined) {
    this.accepts = accepts;
    this.label = label;
    this.connector = connector;
    this.expects = expects;
  }
}

/** A source for users. `label` is what explain prints: "ndjsonFiles('flights/*.ndjson')". */
export function makeSource<C extends Columns>(schema: Schema<C>, connector: SourceConnector, label: string): Source<C> {
  tableOf(schema, `the schema of ${label}`);
  // Schema<C> is a Schema<Columns>; C comes back with the declared result.
  return new SourceDeclaration(schema, label, connector) as Source<Columns> as Source<C>;
}

/** A sink for users. With a schema it takes only streams that have these columns. */
export function makeSink<A extends Accepts, C = unknown>(
  accepts: A, connector: SinkConnector, label: string, schema?: C extends Columns ? Schema<C> : never,
): Sink<A, C> {
  const expects = schema === undefined ? undefined : tableOf(schema, `the schema of ${label}`);
  // A and C are what the maker of the sink says of it.
  return new SinkDeclaration(accepts, label, connector, expects) as unknown as Sink<A, C>;
}

export function sourceDeclaration(declared: unknown): SourceDeclaration {
  if (declared instanceof SourceDeclaration) return declared;
  throw new UserError('E1006', { what: 'from', needs: 'given a source', got: describe(declared) });
}

export function sinkDeclaration(declared: unknown): SinkDeclaration {
  if (declared instanceof SinkDeclaration) return declared;
  throw new UserError('E1006', { what: 'to', needs: 'given a sink', got: describe(declared) });
}
