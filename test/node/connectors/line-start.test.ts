/** Where records begin, against the oracle of CSV: quotes in all places, right and wrong. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { lastRecord, type LineRules, recordAt } from '../../../node/connectors/line-start.ts';
import { below, seededRandom } from '../../../src/base/random.ts';
import { oracleCsv } from '../../oracle/csv.ts';

const BYTES_MAX = 30;
const RULES: LineRules = { quoted: { separator: 44, recordBytesMax: BYTES_MAX }, header: undefined };

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'millrace-starts-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function fileOf(text: string): string {
  const path = join(folder, 'a.csv');
  writeFileSync(path, text);
  return path;
}

/** Starts of all records that are not blank: none has so many fields, so each is refused, with its place. */
function startsOf(text: string): readonly number[] {
  const names = Array.from({ length: 99 }, (_, i) => `f${i}`);
  const options = { separator: ',', names, wanted: new Set<string>(), recordBytesMax: BYTES_MAX };
  return oracleCsv(Buffer.from(text), 0, { fields: [] }, options).letters.map(([offset]) => offset);
}

describe('a record', () => {
  test('begins where a reader from the first byte finds it, whatever the quotes before it', () => {
    let inQuotes = 0;
    for (let seed = 0; seed < 300; seed++) {
      const random = seededRandom(seed);
      const pieces = ['a', 'bc', '"', '"', '""', ',', ',', '\n', '\n', '\r\n', '"x,y"', '"line\nbreak"', '\r'];
      const text = Array.from({ length: 1 + below(random, 40) }, () => pieces[below(random, pieces.length)]).join('');
      const path = fileOf(text);
      const starts = startsOf(text);
      inQuotes += text.split('\n').length - starts.length;
      for (let offset = 1; offset <= text.length; offset += 1 + below(random, 5)) {
        const found = recordAt(path, offset, RULES) ?? 0;
        const wanted = starts.find((start) => start >= offset) ?? text.length;
        // Blank lines are no records: whether they are passed here or by the reader makes no difference.
        const passed = `seed ${seed}, offset ${offset} of ${JSON.stringify(text)}: ${found}, not ${wanted}`;
        expect(found, passed).toBeGreaterThanOrEqual(offset);
        expect(/^(\r?\n)*\r?$/.test(text.slice(found, wanted)) && found <= wanted, passed).toBe(true);
      }
    }
    expect(inQuotes).toBeGreaterThan(200);
  });

  test('that is the last begins behind the last newline that ends one', () => {
    expect(lastRecord(fileOf('a,b\n1,x\n2,5" pipe\n3,y\n4,"z\n'), RULES)).toBe('a,b\n1,x\n2,5" pipe\n3,y\n'.length);
    expect(lastRecord(fileOf('\ufeff"a\nb",c\n1,'), RULES)).toBe(Buffer.byteLength('\ufeff"a\nb",c\n'));
  });
});
