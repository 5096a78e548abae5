/**
 * Column kinds as the compiler sees them, and the rows made of them. Types only: no value here exists at run time;
 * what the runtime knows of a column is data/types.ts.
 *
 * Invariants
 *  1. A kind is an interface named as its constructor; nullable is `| null`.
 *  2. Every derived row goes through `Table`, which builds an object type from closed parts. A mapped type over the
 *     step before would nest and fail after about 30 steps (TS2589).
 * Not here: constructors (schema.ts), expressions (expression.ts).
 */
import type { Json } from '../base/json.ts';
import type { EventTime } from './time.ts';

/** A column of true and false. */
export interface bool {
  readonly kind: 'bool';
  readonly js: boolean;
}
/** A column of integers from -128 to 127. */
export interface int8 {
  readonly kind: 'int8';
  readonly js: number;
}
/** A column of integers from -32,768 to 32,767. */
export interface int16 {
  readonly kind: 'int16';
  readonly js: number;
}
/** A column of integers from -2^31 to 2^31 - 1. */
export interface int32 {
  readonly kind: 'int32';
  readonly js: number;
}
/** A column of 64-bit integers; reading one beyond 2^53 as a number throws E1301: see `asBigInt`. */
export interface int64 {
  readonly kind: 'int64';
  readonly js: number;
}
/** The kind of an int64 column that reads as a bigint. */
export interface bigint64 {
  readonly kind: 'int64';
  readonly js: bigint;
}
/** A column of 32-bit floats; reads as a number. */
export interface float32 {
  readonly kind: 'float32';
  readonly js: number;
}
/** A column of 64-bit floats. */
export interface float64 {
  readonly kind: 'float64';
  readonly js: number;
}
/** A column of text. */
export interface utf8 {
  readonly kind: 'utf8';
  readonly js: string;
}
/** A column of bytes; in text formats base64. */
export interface bytes {
  readonly kind: 'bytes';
  readonly js: Uint8Array;
}
/** A column of any JSON value, kept as its text until it is read. */
export interface json {
  readonly kind: 'json';
  readonly js: Json;
}
export interface timestamp {
  readonly kind: 'timestamp';
  readonly js: EventTime;
}

export type Kind = { readonly kind: string; readonly js: unknown };
export type Nullable = Kind | null;
/** Every kind that a column can have. */
export type AnyKind = Numeric | bool | utf8 | bytes | json | timestamp;
export type Integer = int8 | int16 | int32 | int64 | bigint64;
export type Numeric = Integer | float32 | float64;
/** What min and max take. */
export type Orderable = Numeric | timestamp;
/** The columns of a stream by name: a kind each, with `| null` when nullable. */
export type Columns = { readonly [name: string]: Nullable };

/** The JavaScript value of a kind: `utf8 | null` reads as `string | null`. */
export type Value<K> = K extends { readonly js: infer J } ? J : null;
/** What user functions see. */
export type Row<C> = { readonly [P in keyof C]: Value<C[P]> } & {};
type NullableKeys<C> = { [P in keyof C]: null extends C[P] ? P : never }[keyof C];
/** What user functions give back: nullable columns may be left out. */
export type NewRow<C> = { readonly [P in Exclude<keyof C, NullableKeys<C>>]: Value<C[P]> } & {
  readonly [P in NullableKeys<C>]?: Value<C[P]> | null;
};

/** One column, as a type without open parts. */
export interface Col<N, K> {
  readonly name: N;
  readonly kind: K;
}
interface ColsOf<C, N extends keyof C> {
  readonly all: { [P in N]: Col<P, C[P]> }[N];
}
/** Some columns of C, one by one; the names default to all. */
export type Cols<C, N extends keyof C = keyof C> = ColsOf<C, N>['all'];
type ByName<U extends Col<PropertyKey, unknown>> = { [E in U as E['name']]: E['kind'] };
/** Columns put together again. */
export type Table<U extends Col<PropertyKey, unknown>> = { [P in U['name']]: ByName<U>[P] } extends infer R extends
  Columns
  ? R
  : never;

interface Names<C, K> {
  readonly of: string extends keyof C
    ? string
    : { [P in keyof C]-?: C[P] extends K | null ? P : never }[keyof C] & string;
}
interface Times<C> {
  readonly of: { [P in keyof C]-?: C[P] extends timestamp ? P : never }[keyof C] & string;
}
/** The names of the columns of C that can be event time: a timestamp in every row. */
export type TimeName<C> = string extends keyof C
  ? string
  : [Times<C>['of']] extends [never]
    ? 'no column is a timestamp that is never null'
    : Times<C>['of'];
interface Sequences<C> {
  readonly of: { [P in keyof C]-?: C[P] extends Integer ? P : never }[keyof C] & string;
}
/** The names of the columns of C that can number rows: an integer in every row. */
export type SequenceName<C> = string extends keyof C
  ? string
  : [Sequences<C>['of']] extends [never]
    ? 'no column is an integer that is never null'
    : Sequences<C>['of'];
/** The names of the columns of C whose kind is in K (nullable or not). */
export type Name<C, K> = Names<C, K>['of'];
