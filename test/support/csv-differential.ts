/** The parser of CSV against the oracle over random files; the everyday test and the heavy one differ in their count only. */
import { expect } from 'vitest';
import { below, seededRandom } from '../../src/base/random.ts';
import type { DeadLetter } from '../../src/connector/source.ts';
import type { TableSchema } from '../../src/data/schema.ts';
import { CsvDecoder, type CsvDecoderOptions } from '../../src/format/csv.ts';
import type { KernelInstance } from '../../src/kernel/instance.ts';
import { oracleCsv } from '../oracle/csv.ts';
import { randomCsv } from './csv-records.ts';
import { everyKind } from './json-lines.ts';
import { decodeWith, kindsOf, openKernels } from './ndjson.ts';

const RECORDS_PER_FILE = 200;

export interface CsvCounts {
  rows: number;
  syntax: number;
  column: number;
}

export function openCsv(
  kernels: KernelInstance,
  schema: TableSchema,
  letters: DeadLetter[],
  choices: Partial<CsvDecoderOptions> = {},
): CsvDecoder {
  return new CsvDecoder({
    kernels,
    schema,
    columns: new Set(schema.fields.map(({ name }) => name)),
    batchRows: 4096,
    chunkBytes: 65_536,
    header: true,
    separator: ',',
    path: 'a.csv',
    source: 'source',
    split: 'split',
    origin: undefined,
    deadLetter: (letter) => letters.push(letter),
    ...choices,
  });
}

export async function compareCsvWithOracle(records: number, seed: number): Promise<CsvCounts> {
  const kernels = await openKernels();
  const counts = { rows: 0, syntax: 0, column: 0 };
  for (let file = 0; file * RECORDS_PER_FILE < records; file++) {
    const random = seededRandom(seed + file);
    const { input, from, names, separator, header } = randomCsv(random, RECORDS_PER_FILE);
    const wanted = new Set(everyKind.fields.map(({ name }) => name).filter(() => below(random, 4) > 0));
    const lineBytesMax = below(random, 3) === 0 ? 400 + below(random, 500) : 1 << 20;
    const want = oracleCsv(input, from, everyKind, { names, separator, wanted, recordBytesMax: lineBytesMax });
    const chunk = below(random, 20) === 0 ? 1 : 1 + below(random, below(random, 2) === 0 ? 40 : 70_000);
    const sizes = { batchRows: 1 + below(random, 200), chunkBytes: 1 + below(random, 4096), lineBytesMax };
    const got = decodeWith(kernels, input, chunk, (letters) =>
      openCsv(kernels, everyKind, letters, { columns: wanted, separator, header, ...sizes }),
    );
    const hint = `seed ${seed + file}`;
    expect(kindsOf(got.letters), hint).toEqual(want.letters);
    expect(got.rows.length, hint).toBe(want.rows.length);
    for (const [i, row] of got.rows.entries()) {
      // toEqual takes 0 for -0 and is slow; Object.is and one message are not.
      const wrong = row.findIndex((value, k) => !Object.is(value, want.rows[i]?.[k]));
      if (wrong < 0) continue;
      const [found, meant] = [String(row[wrong]), String(want.rows[i]?.[wrong])];
      expect.fail(`${hint}, row ${i}, column ${wrong}: ${found} instead of ${meant}`);
    }
    counts.rows += got.rows.length;
    for (const [, why] of want.letters) counts[why]++;
  }
  return counts;
}
