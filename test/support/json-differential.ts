/** The parser against the oracle over random lines; the everyday test and the heavy one differ in their count only. */
import { expect } from 'vitest';
import { below, seededRandom } from '../../src/base/random.ts';
import { everyKind, mutatedLine, validLine } from './json-lines.ts';
import { decode, expected, kindsOf, openKernels } from './ndjson.ts';

const LINES_PER_FILE = 500;

export async function compareWithOracle(lines: number, seed: number): Promise<void> {
  const kernels = await openKernels();
  for (let file = 0; file * LINES_PER_FILE < lines; file++) {
    const random = seededRandom(seed + file);
    const parts = Array.from({ length: LINES_PER_FILE }, () =>
      Buffer.concat([
        below(random, 3) > 0 ? Buffer.from(validLine(random)) : mutatedLine(random),
        Buffer.from(below(random, 10) === 0 ? '\r\n' : '\n'),
      ]),
    );
    const input = Buffer.concat(parts);
    const columns = new Set(everyKind.fields.map(({ name }) => name).filter(() => below(random, 4) > 0));
    const want = expected(everyKind, input, columns);
    const sizes = { batchRows: 1 + below(random, 200), chunk: 1 + below(random, 70_000), chunkBytes: 4096 };
    const got = decode(kernels, everyKind, input, { columns, ...sizes });
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
  }
}
