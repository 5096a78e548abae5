/** The decoder of CSV: where it can go on, and its header. Records: test/assembly/csv. */
import { describe, expect, test } from 'vitest';
import type { DeadLetter } from '../../../src/connector/source.ts';
import { openCsv } from '../../support/csv-differential.ts';
import { CSV_SCHEMA, kernels, type PlainRow, plainValue, readCsv, readInAllChunks } from '../../support/csv-reading.ts';
import { column, drain } from '../../support/ndjson.ts';

const HEADER = 'n,text,price,at\n';

test('records are read on from any offset between them, and quanta end between them', () => {
  const text = `${HEADER}${Array.from({ length: 40 }, (_, i) => `${i},"a\n""${i}""",${i % 3 === 0 ? 'x' : i},\n`).join('')}`;
  const whole = readCsv(text);
  for (let limit = 1; limit < text.length; limit += 37) {
    kernels.reset();
    const letters: DeadLetter[] = [];
    const rows: PlainRow[] = [];
    const first = openCsv(kernels, CSV_SCHEMA, letters);
    first.push(Buffer.from(text));
    first.end();
    drain(kernels, first, rows as never[], limit);
    const offset = first.position;
    const names = offset === 0 ? {} : { names: ['n', 'text', 'price', 'at'] };
    const second = openCsv(kernels, CSV_SCHEMA, letters, { offset, ...names });
    second.push(Buffer.from(text).subarray(offset));
    second.end();
    drain(kernels, second, rows as never[]);
    expect(
      rows.map((row) => row.map(plainValue)),
      `limit ${limit}`,
    ).toEqual(whole.rows);
    expect(letters, `limit ${limit}`).toEqual(whole.letters);
  }
});

describe('a header', () => {
  const opening =
    (text: string): (() => unknown) =>
    () =>
      readCsv(text);
  test('that lacks a column is an error that says what it has, unless the column may be null', () => {
    expect(opening('m,text\n1,a\n')).toThrow(
      "a.csv does not begin with a header for this schema: it has no column 'n'",
    );
    expect(readCsv('n\n1\n').rows).toEqual([[1, null, null, null]]);
  });
  test('names the nearest column, and the way to read without a header', () => {
    const schema = { fields: [column('price', 'int32')] };
    const hintOf = (text: string): string => {
      try {
        readCsv(text, { schema });
        return 'none';
      } catch (error) {
        return String(Object(error).hint);
      }
    };
    expect(hintOf('prise\n')).toBe('it has: "prise". Did you mean \'prise\'?');
    expect(hintOf('10,20\n')).toBe(
      'it has: "10", "20". A file without a header is read by position with { header: false }.',
    );
  });
  test('with a column twice, broken quotes, bytes that are no text, or no end is an error', () => {
    expect(opening('n,text,n\n')).toThrow("column 'n' stands in it 2 times");
    expect(opening('n,te"xt\n')).toThrow('a quote stands in a name that does not begin with one, at byte 4');
    expect(opening('"n"x,text\n')).toThrow('something follows the quotes of its field 1');
    expect(() => readCsv(Buffer.from('n,\xff\n', 'latin1'))).toThrow('is not UTF-8');
    expect(opening('"n,text\n')).toThrow('it does not end');
    expect(opening(`n,${'x'.repeat(1 << 20)}\n`)).toThrow('its first record is too long');
  });
  test('may have quotes, doubled ones in them, line breaks and CR LF', () => {
    const schema = { fields: [column('a "b"\nc', 'int32')] };
    expect(readInAllChunks('"x","a ""b""\nc"\r\n1,2\r\n', { schema }).rows).toEqual([[2]]);
  });
  test('alone is a file without records, and so is nothing at all', () => {
    expect(readInAllChunks('n,text')).toEqual({ rows: [], letters: [] });
    expect(readInAllChunks('')).toEqual({ rows: [], letters: [] });
  });
});
