/**
 * Column types: what users declare, and how the values lie in linear memory.
 *
 * | declared | physical | in memory |
 * |---|---|---|
 * | bool | BOOL | u8, 0 or 1 |
 * | int8, int16, int32 | I32 | i32; the declared range is checked where values enter |
 * | int64, timestamp (ms or µs) | I64 | i64 |
 * | float32, float64 | F64 | f64; float32 is rounded where values enter |
 * | utf8, bytes, json | VIEW | {ptr u32, len u32} into the batch's bytes |
 *
 * Nested types and decimals come with SQL: a row will be its columns, an array an offsets column beside its elements,
 * a decimal an I64 or two of them; each gets its own line here.
 */

export type TypeKind =
  | 'bool'
  | 'int8'
  | 'int16'
  | 'int32'
  | 'int64'
  | 'float32'
  | 'float64'
  | 'utf8'
  | 'bytes'
  | 'json'
  | 'timestamp';

export interface ColumnType {
  readonly kind: TypeKind;
  readonly nullable: boolean;
  /** Only on timestamp: what one unit is. 'ms' unless said otherwise. */
  readonly unit?: 's' | 'ms' | 'us';
  /** Only on int64: reads as a bigint instead of a number. */
  readonly bigint?: boolean;
}

/** Codes shared with assembly/abi.ts. */
export const Physical = { BOOL: 0, I32: 1, I64: 2, F64: 3, VIEW: 4 } as const;
export type Physical = (typeof Physical)[keyof typeof Physical];

const PHYSICAL: { readonly [K in TypeKind]: Physical } = {
  bool: Physical.BOOL,
  int8: Physical.I32,
  int16: Physical.I32,
  int32: Physical.I32,
  int64: Physical.I64,
  timestamp: Physical.I64,
  float32: Physical.F64,
  float64: Physical.F64,
  utf8: Physical.VIEW,
  bytes: Physical.VIEW,
  json: Physical.VIEW,
};

export const physicalOf = (type: ColumnType): Physical => PHYSICAL[type.kind];

const WIDTH: readonly number[] = [1, 4, 8, 8, 8];

/** Bytes of one value of a physical type. */
export const widthOf = (physical: Physical): number => WIDTH[physical] ?? 0;

/** Smallest and largest value of the integer kinds narrower than 64 bits. */
export const INTEGER_RANGE = {
  int8: [-128, 127],
  int16: [-32768, 32767],
  int32: [-2147483648, 2147483647],
} as const;

/** A type as a person reads it: "int64, nullable". */
export function describeType(type: ColumnType): string {
  const unit = type.kind === 'timestamp' && type.unit !== undefined && type.unit !== 'ms' ? ` (${type.unit})` : '';
  return `${type.kind}${unit}${type.nullable ? ', nullable' : ''}`;
}
