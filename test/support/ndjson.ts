/** NDJSON through the decoder, with rows read back as plain values: what the tests of the parser compare. */
import { kernelsBase64 } from '#kernels';
import type { DeadLetter } from '../../src/connector/source.ts';
import type { ColumnVector, RecordBatch } from '../../src/data/record-batch.ts';
import type { Field, TableSchema } from '../../src/data/schema.ts';
import { type ColumnType, Physical, physicalOf } from '../../src/data/types.ts';
import { NdjsonDecoder } from '../../src/format/ndjson.ts';
import type { DecoderOptions, RecordDecoder } from '../../src/format/record-decoder.ts';
import { KernelInstance } from '../../src/kernel/instance.ts';
import { compileKernels } from '../../src/kernel/module.ts';
import { type OracleValue, oracleLine } from '../oracle/json.ts';

let compiled: Promise<WebAssembly.Module> | undefined;

export async function openKernels(maxBytes = 128 << 20): Promise<KernelInstance> {
  compiled ??= compileKernels(kernelsBase64);
  return new KernelInstance(await compiled, maxBytes);
}

export const column = (name: string, kind: ColumnType['kind'], rest: Partial<ColumnType> = {}): Field => ({
  name,
  type: { kind, nullable: false, ...rest },
});

export interface Decoded {
  readonly rows: Rows;
  readonly letters: DeadLetter[];
}

type Choice = 'batchRows' | 'chunkBytes' | 'lineBytesMax' | 'columns' | 'offset';
export type DecoderChoices = Partial<Pick<DecoderOptions, Choice>>;
type Rows = (readonly OracleValue[])[];

export function openDecoder(
  kernels: KernelInstance,
  schema: TableSchema,
  letters: DeadLetter[],
  choices: DecoderChoices = {},
): NdjsonDecoder {
  const columns = new Set(schema.fields.map(({ name }) => name));
  return new NdjsonDecoder({
    kernels,
    schema,
    columns,
    batchRows: 4096,
    chunkBytes: 65_536,
    source: 'source',
    split: 'split',
    origin: undefined,
    deadLetter: (letter) => letters.push(letter),
    ...choices,
  });
}

/** All rows and dead letters of `input`, pushed in chunks of `chunk` bytes. Forgets everything in the kernels first. */
export function decode(
  kernels: KernelInstance,
  schema: TableSchema,
  input: Uint8Array,
  choices: DecoderChoices & { readonly chunk?: number } = {},
): Decoded {
  const { chunk = Math.max(1, input.length), ...rest } = choices;
  return decodeWith(kernels, input, chunk, (letters) => openDecoder(kernels, schema, letters, rest));
}

/** The same with any decoder. */
export function decodeWith(
  kernels: KernelInstance,
  input: Uint8Array,
  chunk: number,
  open: (letters: DeadLetter[]) => RecordDecoder,
): Decoded {
  kernels.reset();
  const decoded: Decoded = { rows: [], letters: [] };
  const decoder = open(decoded.letters);
  for (let at = 0; at < input.length; at += chunk) {
    decoder.push(input.subarray(at, at + chunk));
    drain(kernels, decoder, decoded.rows);
  }
  decoder.end();
  drain(kernels, decoder, decoded.rows);
  return decoded;
}

/** Takes batches up to `limit` until there are none; returns the answer that ended it. */
export function drain(
  kernels: KernelInstance,
  decoder: RecordDecoder,
  rows: Rows,
  limit = Number.MAX_SAFE_INTEGER,
): string {
  while (true) {
    const answer = decoder.next(limit);
    if (typeof answer === 'string') return answer;
    rows.push(...rowsOf(kernels, answer));
  }
}

export function rowsOf(kernels: KernelInstance, batch: RecordBatch): OracleValue[][] {
  return Array.from({ length: batch.rows }, (_, row) =>
    batch.schema.fields.map(({ type }, i) => {
      const vector = batch.columns[i];
      if (vector === undefined || vector.values === 0) return null;
      return valueAt(kernels, type, vector, row);
    }),
  );
}

function valueAt({ memory }: KernelInstance, type: ColumnType, vector: ColumnVector, row: number): OracleValue {
  const { values, validity } = vector;
  const { u8, view } = memory;
  if (validity !== 0 && (((u8[validity + (row >> 3)] ?? 0) >> (row & 7)) & 1) === 0) return null;
  switch (physicalOf(type)) {
    case Physical.BOOL:
      return u8[values + row] === 1;
    case Physical.I32:
      return view.getInt32(values + row * 4, true);
    case Physical.I64:
      return view.getBigInt64(values + row * 8, true);
    case Physical.F64:
      return view.getFloat64(values + row * 8, true);
    case Physical.VIEW: {
      const ptr = view.getUint32(values + row * 8, true);
      return Buffer.from(u8.slice(ptr, ptr + view.getUint32(values + row * 8 + 4, true))).toString('hex');
    }
  }
}

/** What the oracle makes of the same bytes; dead letters as offset and kind of reason. */
export function expected(
  schema: TableSchema,
  input: Uint8Array,
  columns?: ReadonlySet<string>,
): { rows: Rows; letters: [offset: number, why: string][] } {
  const wanted = columns ?? new Set(schema.fields.map(({ name }) => name));
  const rows: Rows = [];
  const letters: [number, string][] = [];
  for (let from = 0; from < input.length; ) {
    const newline = input.indexOf(10, from);
    const to = newline < 0 ? input.length : newline;
    const line = oracleLine(input.subarray(from, to), schema, wanted);
    if (line.kind === 'row') rows.push(line.values);
    if (line.kind === 'refused') letters.push([from, line.why]);
    from = to + 1;
  }
  return { rows, letters };
}

/** Dead letters in the form of `expected`. */
export const kindsOf = (letters: readonly DeadLetter[]): [number, string][] =>
  letters.map(({ offset, reason }) => [offset, reason.startsWith('column ') ? 'column' : 'syntax']);
