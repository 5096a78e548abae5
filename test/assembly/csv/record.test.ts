/** CSV records by hand: what each rule says, with places and reasons. Random ones: test/src/format/csv-differential.test.ts. */
import { describe, expect, test } from 'vitest';
import { LETTER_BYTES_MAX } from '../../../src/connector/source.ts';
import { readCsv, readInAllChunks } from '../../support/csv-reading.ts';
import { column } from '../../support/ndjson.ts';

const HEADER = 'n,text,price,at\n';

describe('fields', () => {
  test('are columns by the names of the header, in any order, and others are read past', () => {
    const { rows, letters } = readInAllChunks('other,at,"n",price,text\nx,2026-01-02,1,2.5,a\n"y\nz",0,2,,b\n');
    expect(rows).toEqual([
      [1, 'a', 2.5, BigInt(Date.UTC(2026, 0, 2))],
      [2, 'b', null, 0n],
    ]);
    expect(letters).toEqual([]);
  });

  test('are columns by position without a header', () => {
    expect(readInAllChunks('1,a,1,0\n2,b,2,0\n', { header: false }).rows).toEqual([
      [1, 'a', 1, 0n],
      [2, 'b', 2, 0n],
    ]);
  });

  test.each([';', '\t', '|'] as const)('stand between separators of %j, and commas are text then', (separator) => {
    const line = ['3', 'a,b', '-1e3', '5'].join(separator);
    const text = `${HEADER.replaceAll(',', separator)}${line}\n3${separator}"x${separator}y"${separator}${separator}\n`;
    expect(readInAllChunks(text, { separator }).rows).toEqual([
      [3, 'a,b', -1000, 5n],
      [3, `x${separator}y`, null, null],
    ]);
  });

  test('in quotes hold separators, line breaks of both kinds and doubled quotes', () => {
    const { rows } = readInAllChunks(
      `${HEADER}1,"a,""b""\r\nc\n",,\r\n2,"""",,\n3,"""x""","4","1970-01-01T00:00:01Z"\n`,
    );
    expect(rows.map((row) => row[1])).toEqual(['a,"b"\r\nc\n', '"', '"x"']);
    expect(rows[2]).toEqual([3, '"x"', 4, 1000n]);
  });

  test('with nothing in them are null, and empty quotes are the empty text, or null where no value is empty', () => {
    expect(readInAllChunks(`${HEADER}1,,,\n2,"","",""\n`).rows).toEqual([
      [1, null, null, null],
      [2, '', null, null],
    ]);
  });

  test('keep their spaces', () => {
    const { rows, letters } = readInAllChunks(`${HEADER}1, a ,2,\n2,a, 2,\n`);
    expect(rows).toEqual([[1, ' a ', 2, null]]);
    expect(letters.map(({ reason }) => reason)).toEqual(["column 'price' (float64): this is not a number"]);
  });

  test('of columns that nobody asked for are not made, but judged as fields', () => {
    const columns = new Set(['n']);
    const { rows, letters } = readCsv(`${HEADER}1,"a""b",no number,\n2,a"b,,\n`, { columns });
    expect(rows).toEqual([[1, null, null, null]]);
    expect(letters.map(({ reason }) => reason)).toEqual(['a quote stands in a field that does not begin with one']);
  });

  test('hold more than a chunk, and more text than there is scratch for at first', () => {
    const long = `${'"'.repeat(150_000)}${'é'.repeat(100_000)}`;
    const text = `${HEADER}1,"${long.replaceAll('"', '""')}",,\n2,b,,\n`;
    const { rows, letters } = readCsv(text, { chunk: 1000, chunkBytes: 1000 });
    expect(letters).toEqual([]);
    expect(rows[0]?.[1] === long).toBe(true);
    expect(rows[1]).toEqual([2, 'b', null, null]);
  });
});

describe('records', () => {
  test('end at CR LF or LF, at the end of the input, and a line with nothing on it is none', () => {
    const { rows, letters } = readInAllChunks(`\n1,a,,\r\n\r\n\n2,b,,\n3,c,,`, { header: false });
    expect(rows.map((row) => row[0])).toEqual([1, 2, 3]);
    expect(letters).toEqual([]);
  });

  test('of one field may be empty lines', () => {
    const schema = { fields: [column('text', 'utf8', { nullable: true })] };
    const { rows } = readInAllChunks('text\na\n\n""\n\r\nb\n', { schema });
    expect(rows.map(([hex]) => (hex === null ? null : Buffer.from(String(hex), 'hex').toString()))).toEqual([
      'a',
      null,
      '',
      null,
      'b',
    ]);
  });

  test.each([
    ['too few fields', '7,x,1\n', 'the record has too few fields', 5],
    ['too many fields', '7,x,1,2,3\n', 'the record has too many fields', 8],
    ['a quote in a plain field', '7,5" pipe,1,2\n', 'a quote stands in a field that does not begin with one', 3],
    ['a quote behind a space', '7, "x",1,2\n', 'a quote stands in a field that does not begin with one', 3],
    ['text behind a closing quote', '7,"x"y,1,2\n', 'something follows the closing quote of a field', 5],
    ['a space behind a closing quote', '7,"x" ,1,2\n', 'something follows the closing quote of a field', 5],
    ['a carriage return alone', '7,x\ry,1,2\n', 'a carriage return stands outside quotes, and no line feed follows', 3],
    ['no number', '7,x,1.5.2,\n', "column 'price' (float64): this is not a number", 7],
    ['words for a number', 'seven,x,,\n', "column 'n' (int32): this is not a number", 0],
    ['a number and more', '7 ,x,,\n', "column 'n' (int32): this is not a number", 0],
    ['a fraction for an integer', '7.5,x,,\n', "column 'n' (int32): the value is of another type", 0],
    ['a number out of range', '3000000000,x,,\n', "column 'n' (int32): the number is out of range", 0],
    ['no instant', '7,x,,2026-02-30\n', "column 'at' (timestamp): this is not an ISO 8601 instant", 5],
    ['nothing where a value must be', ',x,,\n', "column 'n' (int32): the value is missing or null", 0],
    ['a lack of fields before a value that does not fit', 'x,y\n', 'the record has too few fields', 3],
  ])('with %s are dead letters with place and bytes, and harm no other', (_, bad, reason, position) => {
    const { rows, letters } = readInAllChunks(`${HEADER}1,a,,\n${bad}2,b,,\n`);
    expect(rows.map((row) => row[0])).toEqual([1, 2]);
    expect(letters).toMatchObject([{ offset: HEADER.length + 6, position, reason }]);
    expect(Buffer.from(letters[0]?.bytes ?? []).toString()).toBe(bad.slice(0, -1));
  });

  test('with bytes that are not UTF-8 are refused, in any field, in and out of quotes', () => {
    for (const bad of ['1,\xff,,', '2,"a\xc3",,', '3,"\xe2\x82\n",,', '4,a,\xed\xa0\x80,', '\xc0\xaf,,,']) {
      const input = Buffer.from(`${HEADER}${bad}\n5,\xc3\xa9,,\n`, 'latin1');
      const { rows, letters } = readCsv(input, { columns: new Set(['n']) });
      expect(letters.map(({ reason }) => reason)).toEqual(['these bytes are not UTF-8']);
      expect(Buffer.from(letters[0]?.bytes ?? []).toString('latin1')).toBe(bad);
      expect(rows).toEqual([[5, null, null, null]]);
    }
  });

  test('with a broken quote end with the line on which it stands, and the next line is read', () => {
    const { rows, letters } = readInAllChunks(`${HEADER}1,"line\nline "x",\nstill,the,same\n2,b,,\n`);
    expect(letters.map(({ offset, bytes }) => [offset, Buffer.from(bytes).toString()])).toEqual([
      [16, '1,"line\nline "x",'],
      [34, 'still,the,same'],
    ]);
    expect(rows).toEqual([[2, 'b', null, null]]);
  });

  test('with a quote that is never closed take what follows up to the next quote or the end', () => {
    const { rows, letters } = readInAllChunks(`${HEADER}1,"a,,\n2,b,,\n3,"c",,\n4,d,,\n5,"e,,\n6,f,,\n`);
    expect(rows).toEqual([[4, 'd', null, null]]);
    expect(letters.map(({ position, reason, bytes }) => [position, reason, Buffer.from(bytes).toString()])).toEqual([
      [16, 'something follows the closing quote of a field', '1,"a,,\n2,b,,\n3,"c",,'],
      [2, 'the quote that begins this field is never closed', '5,"e,,\n6,f,,'],
    ]);
  });

  test('that are too long end with the line in which they are, whatever is kept of them', () => {
    const lines = Array.from({ length: 30 }, (_, i) => `${i},text,,\n`).join('');
    const text = `${HEADER}1,a,,\n2,"${lines}3,b,,\n${'x'.repeat(300)}\n4,d,,\n`;
    const { rows, letters } = readInAllChunks(text, { lineBytesMax: 100 });
    expect(letters[0]).toMatchObject({ offset: 22, reason: 'the record is too long' });
    expect(letters[0]?.position).toBeUndefined();
    expect(letters.at(-1)).toMatchObject({ reason: 'the record is too long' });
    expect(rows.at(-1)).toEqual([4, 'd', null, null]);
    expect(rows).toContainEqual([29, 'text', null, null]);
    const kept = letters.map(({ bytes }) => bytes.length);
    expect(Math.max(...kept)).toBeLessThanOrEqual(LETTER_BYTES_MAX);
  });
});

describe('kinds of columns', () => {
  const one = (kind: 'bool' | 'bytes' | 'json' | 'int64' | 'timestamp', text: string, rest = {}): unknown => {
    const schema = {
      fields: [column('v', kind, { nullable: true, ...rest }), column('w', 'int32', { nullable: true })],
    };
    const { rows, letters } = readCsv(`v|w\n${text}|\n`, { schema, separator: '|' });
    return rows[0]?.[0] ?? letters[0]?.reason ?? null;
  };
  test.each([
    ['bool', 'true', true],
    ['bool', 'FALSE', false],
    ['bool', '"True"', true],
    ['bool', '1', "column 'v' (bool): the value is of another type"],
    ['bytes', 'AQI=', '0102'],
    ['bytes', 'AQI', "column 'v' (bytes): this is not base64"],
    ['json', '{"a":1}', 'a quote stands in a field that does not begin with one'],
    ['json', '"{""a"":[1,""x""]}"', Buffer.from('{"a":[1,"x"]}').toString('hex')],
    ['json', '[1,2]', Buffer.from('[1,2]').toString('hex')],
    ['json', 'null', null],
    ['json', '[1', "column 'v' (json): this is not JSON"],
    ['int64', '9223372036854775807', 9223372036854775807n],
    ['int64', '-9223372036854775808', -9223372036854775808n],
    ['int64', '9223372036854775808', "column 'v' (int64): the number is out of range"],
    ['int64', '007', "column 'v' (int64): this is not a number"],
    ['int64', '+7', "column 'v' (int64): this is not a number"],
    ['timestamp', '1,5', "column 'v' (timestamp): this is not an ISO 8601 instant"],
    ['timestamp', '123e-1', 12n],
    ['timestamp', '-1', -1n],
    ['timestamp', '2026', 2026n],
    ['timestamp', '1969-12-31 23:59:59.999+00', -1n],
  ] as const)('%s reads %j', (kind, text, value) => {
    expect(one(kind, text)).toEqual(value);
  });
  test('timestamps in seconds and microseconds are exact', () => {
    expect(one('timestamp', '1.9999', { unit: 's' })).toBe(1999n);
    expect(one('timestamp', '1970-01-01T00:00:00.000001Z', { unit: 'us' })).toBe(1n);
  });
});
