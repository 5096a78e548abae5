/** CSV by hand: rows and dead letters of a text over a small schema, in one piece and in chunks of every size. */
import { expect } from 'vitest';
import type { DeadLetter } from '../../src/connector/source.ts';
import type { CsvDecoderOptions } from '../../src/format/csv.ts';
import { openCsv } from './csv-differential.ts';
import { column, decodeWith, openKernels } from './ndjson.ts';

export const kernels = await openKernels();
export const CSV_SCHEMA = {
  fields: [
    column('n', 'int32'),
    column('text', 'utf8', { nullable: true }),
    column('price', 'float64', { nullable: true }),
    column('at', 'timestamp', { nullable: true }),
  ],
};

export type PlainRow = readonly unknown[];
export const plainValue = (value: unknown, i: number): unknown =>
  i === 1 && typeof value === 'string' ? Buffer.from(value, 'hex').toString() : value;

/** Rows with their texts, and dead letters, of `text` pushed in chunks of `chunk` bytes. */
export function readCsv(
  text: string | Uint8Array,
  choices: Partial<CsvDecoderOptions> & { readonly chunk?: number } = {},
): { readonly rows: readonly PlainRow[]; readonly letters: readonly DeadLetter[] } {
  const input = typeof text === 'string' ? Buffer.from(text) : text;
  const { chunk = input.length, ...rest } = choices;
  const { schema = CSV_SCHEMA } = rest;
  const { rows, letters } = decodeWith(kernels, input, Math.max(1, chunk), (into) =>
    openCsv(kernels, schema, into, rest),
  );
  return { rows: rows.map((row) => row.map(plainValue)), letters };
}

/** Rows and, of the dead letters, offset, position and reason, the same for chunks of every size. */
export function readInAllChunks(text: string, choices: Partial<CsvDecoderOptions> = {}): ReturnType<typeof readCsv> {
  const whole = readCsv(text, choices);
  for (const chunk of [1, 2, 3, 7, 64]) {
    expect(
      readCsv(text, { ...choices, chunk, chunkBytes: chunk, batchRows: 1 + (chunk % 3) }),
      `chunk ${chunk}`,
    ).toEqual(whole);
  }
  return whole;
}
