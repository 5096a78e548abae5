/**
 * Sources and sinks as users pass them around: a connector under a type that says which rows it gives or takes. Hosts
 * make them (makeSource, makeSink); users only hand them to `from` and `to`.
 */
import { assert } from '../base/assert.ts';
import type { SinkConnector } from '../connector/sink.ts';
import type { SourceConnector } from '../connector/source.ts';
import type { TableSchema } from '../data/schema.ts';
import type { Columns } from './kind.ts';
import { mistake } from '../base/mistake.ts';
import { type Schema, tableOf } from './schema.ts';

declare const takes: unique symbol;

const ACCEPTS = { inserts: 'inserts only', changelog: 'inserts, updates and deletes' } as const;

/** Where rows come from. Made by the connectors of a host, or with `collection` and `fromAsyncIterable`. */
export interface Source<out C extends Columns> {
  readonly schema: Schema<C>;
  /** As explain prints it. */
  readonly label: string;
}

/** What a sink takes: results that are final, or also rows that update and delete earlier ones. */
export type Accepts = (typeof ACCEPTS)[SinkConnector['accepts']];

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
export function makeSink<A extends Accepts>(accepts: A, connector: SinkConnector, label: string): Sink<A>;
export function makeSink<A extends Accepts, C extends Columns>(
  accepts: A,
  connector: SinkConnector,
  label: string,
  schema: Schema<C>,
): Sink<A, C>;
export function makeSink(accepts: Accepts, connector: SinkConnector, label: string, schema?: Schema<Columns>): unknown {
  assert(accepts === ACCEPTS[connector.accepts], `${label} takes '${accepts}', its connector '${connector.accepts}'`);
  return new SinkDeclaration(
    accepts,
    label,
    connector,
    schema === undefined ? undefined : tableOf(schema, `the schema of ${label}`),
  );
}

export function sourceDeclaration(declared: unknown): SourceDeclaration {
  if (declared instanceof SourceDeclaration) return declared;
  throw mistake('from', 'given a source', declared);
}

export function sinkDeclaration(declared: unknown): SinkDeclaration {
  if (declared instanceof SinkDeclaration) return declared;
  throw mistake('to', 'given a sink', declared);
}
