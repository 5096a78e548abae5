import { expect, test } from 'vitest';
import type { DeadLetter } from '../../../src/connector/source.ts';
import { everyKind, validLine } from '../../support/json-lines.ts';
import { seededRandom } from '../../../src/base/random.ts';
import { column, decode, expected, openDecoder, openKernels } from '../../support/ndjson.ts';

const kernels = await openKernels();
const schema = { fields: [column('id', 'int32'), column('name', 'utf8', { nullable: true })] };
const hex = (text: string): string => Buffer.from(text).toString('hex');
const rowsOf = (input: string | Uint8Array): unknown => decode(kernels, schema, Buffer.from(input)).rows;
const refusal = (line: string | Uint8Array): [reason: string | undefined, position: number | undefined] => {
  const { rows, letters } = decode(kernels, schema, Buffer.concat([Buffer.from(line), Buffer.from('\n{"id":1}\n')]));
  expect(rows).toEqual([[1, null]]);
  expect(letters.length).toBe(1);
  return [letters[0]?.reason, letters[0]?.position];
};

test('takes keys in any order and skips those that no column names', () => {
  expect(
    rowsOf('{"id":1,"name":"a"}\n{"name":"b","id":2}\n{"x":[{"id":9}],"id":3,"y":{"name":"z"},"name":"c"}\n'),
  ).toEqual([
    [1, hex('a')],
    [2, hex('b')],
    [3, hex('c')],
  ]);
});

test('takes the last of duplicate keys, whatever the earlier ones were', () => {
  const ids = '{"id":1,"id":2}\n{"id":"x","id":3}\n{"id":null,"id":4}\n';
  expect(rowsOf(`${ids}{"id":5,"name":"a","name":null}\n{"id":6,"name":3,"name":null}\n`)).toEqual([
    [2, null],
    [3, null],
    [4, null],
    [5, null],
    [6, null],
  ]);
  expect(refusal('{"id":1,"id":null}')[0]).toBe("column 'id' (int32): the value is missing or null");
  expect(refusal('{"id":1,"id":"x"}')[0]).toBe("column 'id' (int32): the value is of another type");
});

test('finds a key that is spelled with escapes, and no other', () => {
  expect(rowsOf('{"\\u0069d":7,"n\\u0061me":"x"}\n')).toEqual([[7, hex('x')]]);
  expect(rowsOf('{"id":7,"id\\u0000":8,"i\\\\d":9}\n')).toEqual([[7, null]]);
});

test('never takes a key whose name needs escapes for raw bytes that look alike', () => {
  const odd = { fields: [column('a"b', 'int32')] };
  const { rows, letters } = decode(kernels, odd, Buffer.from('{"a\\"b":1}\n{"a\\"b":2}\n{"a"b":3}\n'));
  expect(rows).toEqual([[1], [2]]);
  expect(letters.map(({ reason, position }) => [reason, position])).toEqual([["':' is expected", 4]]);
});

test('tells keys apart that share length, beginning and end', () => {
  const names = Array.from({ length: 300 }, (_, i) => `measurement_${String(i).padStart(3, '0')}_value`);
  const fields = names.map((name) => column(name, 'int32', { nullable: true }));
  const line = `{${fields
    .map(({ name }, i) => `"${name}":${i}`)
    .reverse()
    .join(',')}}\n`;
  const row = fields.map((_, i) => i);
  expect(decode(kernels, { fields }, Buffer.from(line + line)).rows).toEqual([row, row]);
});

test('forgets nothing when lines have more different keys than it remembers', () => {
  const lines = Array.from({ length: 2000 }, (_, i) => `{"key${i}":${i},"id":${i}}\n`).join('');
  expect(rowsOf(lines + lines)).toEqual([...Array(2000).keys(), ...Array(2000).keys()].map((i) => [i, null]));
});

test('unescapes strings as RFC 8259 says, with U+FFFD for a lone surrogate', () => {
  const lone = '|\\ud83d|\\ude00|\\ud83d\\u0041|\\ud83d\\ud83d\\ude00';
  const text = `"\\"\\\\\\/\\b\\f\\n\\r\\t\\u00e9\\u20ac\\ud83d\\ude00${lone} and plain text beyond a vector"`;
  expect(rowsOf(`{"id":1,"name":${text}}\n`)).toEqual([[1, hex(JSON.parse(text).toWellFormed())]]);
});

test('refuses an escape that RFC 8259 does not know', () => {
  for (const escape of ['\\x41', '\\u12g4', '\\u123', '\\', '\\U0041', "\\'"]) {
    expect(refusal(`{"id":1,"name":"ab${escape}"}`)[0]).not.toContain('column');
  }
  expect(refusal('{"id":1,"name":"ab\\q"}')).toEqual(['this is not a JSON escape', 18]);
});

test('refuses raw control characters, also in keys and in strings that nobody reads', () => {
  for (const key of ['name', 'unread']) {
    for (let code = 0; code < 32; code++) {
      if (code === 10) continue;
      const line = `{"id":1,"${key}":"a${String.fromCharCode(code)}"}`;
      expect(refusal(line)).toEqual(['a control character must be escaped', 13 + key.length]);
    }
  }
  expect(refusal('{"id":1,"a\u0001":2}')[0]).toBe('a control character must be escaped');
  expect(rowsOf('{"id":1,"name":"\u007f"}\n')).toEqual([[1, '7f']]);
});

const UTF8_WRONG = [
  '80',
  'bf',
  'c080',
  'c1bf',
  'c3',
  'c328',
  'e0809f',
  'e09fbf',
  'eda080',
  'edbfbf',
  'e282',
  'f0808080',
  'f08fbfbf',
  'f4908080',
  'f5808080',
  'ff',
  'fe',
  'f09f98',
];
const PLACES = [
  ['name', ''],
  ['unread', ''],
  ['name', 'fourteen bytes'],
  ['name', 'é'],
  ['unread', 'more than sixteen bytes'],
] as const;

test.each(UTF8_WRONG)('refuses the bytes %s, which are not UTF-8, read or not, anywhere in a string', (bytes) => {
  for (const [key, before] of PLACES) {
    const start = Buffer.from(`{"id":1,"${key}":"${before}`);
    const line = Buffer.concat([start, Buffer.from(bytes, 'hex'), Buffer.from('"}')]);
    expect(refusal(line)).toEqual(['these bytes are not UTF-8', start.length]);
  }
});

test('takes all of UTF-8', () => {
  const text = String.fromCodePoint(0x80, 0x7ff, 0x800, 0xd7ff, 0xe000, 0xffff, 0x10000, 0x10ffff);
  expect(rowsOf(`{"id":1,"name":"${text}"}\n`)).toEqual([[1, hex(text)]]);
});

test.each([
  ['[1]', 'a line must hold one JSON object', 0],
  ['1', 'a line must hold one JSON object', 0],
  ['  null', 'a line must hold one JSON object', 2],
  ['{"id":1} {}', 'something follows the object', 9],
  ['{"id":1}}', 'something follows the object', 8],
  ['{"id":1,}', 'a key in quotes is expected', 8],
  ['{,"id":1}', 'a key in quotes is expected', 1],
  ['{id:1}', 'a key in quotes is expected', 1],
  ['{"id"1}', "':' is expected", 5],
  ['{"id":}', 'a value is expected', 6],
  ['{"id":1 "name":"x"}', "',' or a closing bracket is expected", 8],
  ['{"id":1', "',' or a closing bracket is expected", 7],
  ['{"id":1,"name":"x', 'the string does not end on its line', 17],
  ['{"id":1,"a":[1,]}', 'a value is expected', 15],
  ['{"id":1,"a":[1 2]}', "',' or a closing bracket is expected", 15],
  ['{"id":1,"a":[}', 'a value is expected', 13],
  ['{"id":1,"a":{"b":1]}', "',' or a closing bracket is expected", 18],
  ['{"id":1,"a":{"b":1,}}', 'a key in quotes is expected', 19],
  ['{"id":1,"a":{1:1}}', 'a key in quotes is expected', 13],
  ['{"id":1,"a":{"b"}}', "':' is expected", 16],
  ['{"id":1,"a":tru}', 'a value is expected', 12],
  ['{"id":1,"a":truex}', "',' or a closing bracket is expected", 16],
  ['{"id":1,"a":undefined}', 'a value is expected', 12],
  ["{'id':1}", 'a key in quotes is expected', 1],
  ['{"id":01}', 'this is not a JSON number', 6],
  ['{"id":1}\u0000', 'something follows the object', 8],
  ['\ufeff{"id":1}', 'a line must hold one JSON object', 0],
  ['{"id":1/**/}', 'this is not a JSON number', 7],
  ['{\u0000"id":1}', 'a key in quotes is expected', 1],
] as const)('refuses %s with its reason and position', (line, reason, position) => {
  expect(refusal(line)).toEqual([reason, position]);
});

test('says of a value that does not fit which column it is and where it stands', () => {
  expect(refusal('{"name":"a","id":"b"}')).toEqual(["column 'id' (int32): the value is of another type", 17]);
  expect(refusal('{"name":"a"}')).toEqual(["column 'id' (int32): the value is missing or null", 12]);
  expect(refusal('{"id":1,"name":5}')).toEqual(["column 'name' (utf8): the value is of another type", 15]);
  expect(refusal('{"id":"x","name":"a}')[0]).toBe('the string does not end on its line');
});

test('checks only the syntax of columns that are not asked for', () => {
  const input = Buffer.from('{"id":"x","name":"a"}\n{"name":"b"}\n{"id":01,"name":"c"}\n');
  const { rows, letters } = decode(kernels, schema, input, { columns: new Set(['name']) });
  expect(rows).toEqual([
    [null, hex('a')],
    [null, hex('b')],
  ]);
  expect(letters.map(({ offset }) => offset)).toEqual([35]);
});

test('takes 1,024 levels of nesting and refuses one more', () => {
  const nested = (levels: number): string => `{"id":1,"a":${'['.repeat(levels - 1)}${']'.repeat(levels - 1)}}`;
  const objects = (levels: number): string => `{"id":1,"a":${'{"b":'.repeat(levels - 1)}1${'}'.repeat(levels - 1)}}`;
  expect(rowsOf(`${nested(1024)}\n${objects(1024)}\n`)).toEqual([
    [1, null],
    [1, null],
  ]);
  expect(refusal(nested(1025))).toEqual(['more than 1,024 levels of nesting', 12 + 1023]);
  expect(refusal(objects(1025))[0]).toBe('more than 1,024 levels of nesting');
  expect(refusal(nested(200_000))[0]).toBe('more than 1,024 levels of nesting');
});

test('keeps json columns as the bytes that stand there', () => {
  const raw = { fields: [column('doc', 'json', { nullable: true })] };
  const scalars = '{"doc":"text"}\n{"doc":null}\n{"doc":true}\n{"doc":-0.0}\n';
  const { rows } = decode(kernels, raw, Buffer.from(`{"doc": {"a" : [1, 2.50, "\\u0041"]} }\n${scalars}`));
  expect(rows).toEqual([[hex('{"a" : [1, 2.50, "\\u0041"]}')], [hex('"text"')], [null], [hex('true')], [hex('-0.0')]]);
});

test('decodes base64 columns and refuses what is not base64', () => {
  const blob = { fields: [column('b', 'bytes')] };
  const texts = ['', 'AA==', '+/8=', 'aGVsbG8h', 'aGVs\\u0062G8h'];
  const { rows } = decode(kernels, blob, Buffer.from(texts.map((text) => `{"b":"${text}"}\n`).join('')));
  expect(rows).toEqual([[''], ['00'], ['fbff'], [hex('hello!')], [hex('hello!')]]);
  for (const text of ['A', 'AA', 'AAA', 'AA=A', '=AAA', 'AB==', 'AAB=', 'AA-_', 'AA==AAAA', 'AAAA ']) {
    const { letters } = decode(kernels, blob, Buffer.from(`{"b":"${text}"}\n`));
    expect(letters.map(({ reason }) => reason)).toEqual(["column 'b' (bytes): this is not base64"]);
  }
});

test('makes a validity bitmap only for columns and batches that have nulls, and reads 0 where there is none', () => {
  kernels.reset();
  const letters: DeadLetter[] = [];
  const decoder = openDecoder(kernels, schema, letters, { batchRows: 2 });
  const named = [1, 2, 4, 5].map((id) => `{"id":${id},"name":"a"}\n`);
  decoder.push(Buffer.from(named.toSpliced(2, 0, '{"id":3}\n').join('')));
  const validity = [1, 2, 3].map(() => {
    const batch = decoder.next(1e9);
    return typeof batch === 'string' ? batch : batch.columns.map((vector) => vector.validity !== 0);
  });
  expect(validity).toEqual([
    [false, false],
    [false, true],
    [false, false],
  ]);
});

test('a refused line leaves no trace in the row that follows it', () => {
  expect(rowsOf('{"name":"ghost","id":1,}\n{"id":2}\n{"name":null,"id":"x"}\n{"id":3,"name":"c"}\n')).toEqual([
    [2, null],
    [3, hex('c')],
  ]);
});

test('counts a row as fast when its keys stood where they stood before', () => {
  kernels.reset();
  const decoder = openDecoder(kernels, schema, []);
  decoder.push(Buffer.from('{"id":1,"x":2,"name":"a"}\n'.repeat(100) + '{"x":2,"name":"a","id":1}\n'.repeat(100)));
  decoder.next(1e9);
  const { fastRows, generalRows } = decoder.counters;
  expect(fastRows + generalRows).toBe(200);
  expect(generalRows).toBeLessThanOrEqual(6);
});

test('gives the same answers whatever lines it has seen before', () => {
  const random = seededRandom(9);
  const lines = Array.from({ length: 300 }, () => `${validLine(random)}\n`);
  const together = decode(kernels, everyKind, Buffer.from(lines.join('')));
  const alone = lines.map((line) => decode(kernels, everyKind, Buffer.from(line)));
  expect(together.rows).toEqual(alone.flatMap(({ rows }) => rows));
  expect(together.rows).toEqual(expected(everyKind, Buffer.from(lines.join(''))).rows);
});
