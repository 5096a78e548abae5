/**
 * Schemas as users declare them: `schema({ at: timestamp(), origin: utf8(), gate: int32().nullable() })`.
 *
 * A column is plain data (data/types.ts) under a type that names its kind, from which rows, expressions and results are
 * inferred. Not here: what a kind means to the compiler (kind.ts).
 */
import { UserError } from '../base/errors.ts';
import { type TableSchema, tableSchema } from '../data/schema.ts';
import type { ColumnType, TypeKind } from '../data/types.ts';
import { located } from './call-site.ts';
import type * as kinds from './kind.ts';
import type { Columns, Nullable } from './kind.ts';
import { isRecord, mistake } from '../base/mistake.ts';

/** Exists for the compiler only: carries the kind of a column or expression. */
export declare const kindOf: unique symbol;

/** A column declaration. */
export interface Column<out K extends Nullable> {
  readonly [kindOf]: K;
  /** May hold null: reads as `| null`. */
  nullable(): Column<K | null>;
}

/** An int64 column: reads as a number where that is exact, or as a bigint with `asBigInt()`. */
export interface Int64Column extends Column<kinds.int64> {
  /** Reads as a bigint; without it as a number, which throws where a number would lose digits. */
  asBigInt(): Column<kinds.bigint64>;
}

/** The columns of rows, by name and in order. Made with `schema`. */
export interface Schema<out C extends Columns> {
  readonly columns: { readonly [P in keyof C]: Column<C[P]> };
}

class ColumnDeclaration {
  readonly type: ColumnType;

  constructor(type: ColumnType) {
    this.type = type;
  }

  nullable(): ColumnDeclaration {
    return new ColumnDeclaration({ ...this.type, nullable: true });
  }

  asBigInt(): ColumnDeclaration {
    return new ColumnDeclaration({ ...this.type, bigint: true });
  }
}

class SchemaDeclaration {
  readonly columns: { readonly [name: string]: unknown };
  readonly table: TableSchema;

  constructor(columns: { readonly [name: string]: unknown }, table: TableSchema) {
    this.columns = columns;
    this.table = table;
  }
}

function declare<C>(kind: TypeKind, unit?: 's' | 'us'): C {
  const type: ColumnType = { kind, nullable: false, ...(unit === undefined ? {} : { unit }) };
  // The kind lives in the type alone: this is the one place where a declaration gets it.
  return new ColumnDeclaration(type) as unknown as C;
}

// A kind and its constructor share a name, so that a helper can be typed as Stream<{ origin: utf8 }>.
/** A column of true and false. */
export type bool = kinds.bool;
/** A column of integers from -128 to 127. */
export type int8 = kinds.int8;
/** A column of integers from -32,768 to 32,767. */
export type int16 = kinds.int16;
/** A column of integers from -2^31 to 2^31 - 1. */
export type int32 = kinds.int32;
/** A column of 64-bit integers; reading one beyond 2^53 as a number throws E1301: see `asBigInt`. */
export type int64 = kinds.int64;
/** A column of 32-bit floats; reads as a number. */
export type float32 = kinds.float32;
/** A column of 64-bit floats. */
export type float64 = kinds.float64;
/** A column of text. */
export type utf8 = kinds.utf8;
/** A column of bytes; in text formats base64. */
export type bytes = kinds.bytes;
/** A column of any JSON value, kept as its text until it is read. */
export type json = kinds.json;
export type timestamp = kinds.timestamp;

export const bool = (): Column<kinds.bool> => declare('bool');
export const int8 = (): Column<kinds.int8> => declare('int8');
export const int16 = (): Column<kinds.int16> => declare('int16');
export const int32 = (): Column<kinds.int32> => declare('int32');
export const int64 = (): Int64Column => declare('int64');
export const float32 = (): Column<kinds.float32> => declare('float32');
export const float64 = (): Column<kinds.float64> => declare('float64');
export const utf8 = (): Column<kinds.utf8> => declare('utf8');
export const bytes = (): Column<kinds.bytes> => declare('bytes');
export const json = (): Column<kinds.json> => declare('json');

/**
 * An instant, at most as far from 1970 as a Date can be. `unit` is what one unit of the number in the input is: milliseconds
 * unless said otherwise.
 */
export function timestamp(unit: 's' | 'ms' | 'us' = 'ms'): Column<kinds.timestamp> {
  if (unit !== 's' && unit !== 'ms' && unit !== 'us') {
    located(() => {
      throw mistake('the unit of a timestamp', "'s', 'ms' or 'us'", unit);
    });
  }
  return declare('timestamp', unit === 'ms' ? undefined : unit);
}

type KindIn<S> = S extends { readonly [kindOf]: infer K extends Nullable } ? K : never;

/** The columns of a stream, in this order. */
export function schema<const S extends { readonly [name: string]: Column<Nullable> }>(
  columns: S,
): Schema<{ -readonly [P in keyof S]: KindIn<S[P]> } & {}> {
  const declared = located(() => {
    if (!isRecord(columns)) throw mistake('schema', 'an object of columns', columns);
    const fields = Object.entries(columns).map(([name, column]: [string, unknown]) => {
      if (!(column instanceof ColumnDeclaration)) throw new UserError('E1004', { what: `'${name}' of schema` });
      return { name, type: column.type };
    });
    return new SchemaDeclaration(columns, tableSchema(fields));
  });
  // S says what the declarations are; a class without type parameters cannot.
  return declared as unknown as Schema<{ -readonly [P in keyof S]: KindIn<S[P]> } & {}>;
}

/** The fields of a declared schema. E1006 naming `what` when it is something else. */
export function tableOf(declared: unknown, what: string): TableSchema {
  if (declared instanceof SchemaDeclaration) return declared.table;
  throw mistake(what, 'a schema', declared, 'make one with schema({ name: utf8() })');
}

/** The fields of a declared schema; undefined when it is something else. */
export const tryTableOf = (declared: unknown): TableSchema | undefined =>
  declared instanceof SchemaDeclaration ? declared.table : undefined;

/** The type of a declared column; undefined when it is something else. */
export const columnTypeOf = (declared: unknown): ColumnType | undefined =>
  declared instanceof ColumnDeclaration ? declared.type : undefined;

/** A declared schema of fields: what `stream.schema` is. */
export const schemaOf = (table: TableSchema): SchemaDeclaration =>
  new SchemaDeclaration(
    Object.fromEntries(table.fields.map(({ name, type }) => [name, new ColumnDeclaration(type)])),
    table,
  );
