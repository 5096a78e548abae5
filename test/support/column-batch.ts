/**
 * Batches from plain values and back, for tests of what works on columns. Written apart from the engine's own builders.
 */
import { kernelsBase64 } from '#kernels';
import type { RecordBatch } from '../../src/data/record-batch.ts';
import type { TableSchema } from '../../src/data/schema.ts';
import type { TypeKind } from '../../src/data/types.ts';
import { KernelInstance } from '../../src/kernel/instance.ts';
import type { LinearMemory } from '../../src/kernel/memory.ts';
import { compileKernels } from '../../src/kernel/module.ts';

/** Integers are bigints, whatever their width. */
export type Value = null | boolean | bigint | number | string | Uint8Array;

export async function kernelInstance(megabytes = 64): Promise<KernelInstance> {
  return new KernelInstance(await compileKernels(kernelsBase64), megabytes << 20);
}

const WIDTH: { readonly [K in TypeKind]: number } = {
  bool: 1,
  int8: 4,
  int16: 4,
  int32: 4,
  int64: 8,
  timestamp: 8,
  float32: 8,
  float64: 8,
  utf8: 8,
  bytes: 8,
  json: 8,
};

function writeValue(memory: LinearMemory, kind: TypeKind, at: number, value: Exclude<Value, null>): void {
  if (typeof value === 'string' || value instanceof Uint8Array) {
    const bytes = typeof value === 'string' ? new TextEncoder().encode(value) : value;
    const text = memory.allocate(bytes.length + 1);
    memory.u8.set(bytes, text);
    memory.view.setUint32(at, text, true);
    memory.view.setUint32(at + 4, bytes.length, true);
  } else if (typeof value === 'boolean') memory.view.setUint8(at, value ? 1 : 0);
  else if (typeof value === 'number') memory.view.setFloat64(at, value, true);
  else if (WIDTH[kind] === 4) memory.view.setInt32(at, Number(value), true);
  else memory.view.setBigInt64(at, value, true);
}

function readValue(memory: LinearMemory, kind: TypeKind, at: number): Exclude<Value, null> {
  const { view } = memory;
  switch (kind) {
    case 'bool':
      return view.getUint8(at) !== 0;
    case 'int8':
    case 'int16':
    case 'int32':
      return BigInt(view.getInt32(at, true));
    case 'int64':
    case 'timestamp':
      return view.getBigInt64(at, true);
    case 'float32':
    case 'float64':
      return view.getFloat64(at, true);
    default: {
      const from = view.getUint32(at, true);
      const bytes = memory.u8.slice(from, from + view.getUint32(at + 4, true));
      return kind === 'bytes' ? bytes : new TextDecoder().decode(bytes);
    }
  }
}

/** Rows that are null, or not in `meant`, hold bytes that no kernel may trust: views that point outside memory. */
export function columnOf(
  memory: LinearMemory,
  kind: TypeKind,
  values: readonly Value[],
  meant?: ReadonlySet<number>,
): { values: number; validity: number } {
  const width = WIDTH[kind];
  const at = memory.allocate(values.length * width + 1);
  const validity = values.includes(null) ? memory.allocate(Math.ceil(values.length / 8)) : 0;
  if (validity !== 0) memory.u8.fill(0, validity, validity + Math.ceil(values.length / 8));
  memory.u8.fill(0xee, at, at + values.length * width);
  values.forEach((value, row) => {
    if (value === null) return;
    if (meant === undefined || meant.has(row)) writeValue(memory, kind, at + row * width, value);
    if (validity !== 0) memory.u8[validity + (row >> 3)] = (memory.u8[validity + (row >> 3)] ?? 0) | (1 << (row & 7));
  });
  return { values: at, validity };
}

export function selectionOf(memory: LinearMemory, rows: readonly number[]): number {
  const at = memory.allocate(rows.length * 4 + 4);
  rows.forEach((row, n) => memory.view.setUint32(at + n * 4, row, true));
  return at;
}

/** `columns` hold one array of values for each field of the schema. */
export function columnBatch(
  kernels: KernelInstance,
  schema: TableSchema,
  columns: readonly (readonly Value[])[],
  selection?: readonly number[],
): RecordBatch {
  const { memory } = kernels;
  const rows = columns[0]?.length ?? 0;
  const meant = selection === undefined ? undefined : new Set(selection);
  return {
    schema,
    rows,
    columns: schema.fields.map(({ type }, i) => columnOf(memory, type.kind, columns[i] ?? [], meant)),
    selection: selection === undefined ? 0 : selectionOf(memory, selection),
    selected: selection?.length ?? rows,
    rowKinds: 0,
    timestamps: 0,
    watermarks: 0,
    origin: undefined,
  };
}

/** The values of a column at the given rows. */
export function readColumn(
  memory: LinearMemory,
  kind: TypeKind,
  column: { readonly values: number; readonly validity: number },
  rows: readonly number[],
): Value[] {
  return rows.map((row) => {
    const present = column.validity === 0 || (((memory.u8[column.validity + (row >> 3)] ?? 0) >> (row & 7)) & 1) === 1;
    return present ? readValue(memory, kind, column.values + row * WIDTH[kind]) : null;
  });
}

export function readSelection(memory: LinearMemory, selection: number, selected: number): number[] {
  return Array.from({ length: selected }, (_, n) =>
    selection === 0 ? n : memory.view.getUint32(selection + n * 4, true),
  );
}
