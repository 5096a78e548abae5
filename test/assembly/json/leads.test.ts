import { expect, test } from 'vitest';
import { below, seededRandom } from '../../../src/base/random.ts';
import { column, decode, expected, openDecoder, openKernels } from '../../support/ndjson.ts';

const kernels = await openKernels();
const nullable = { nullable: true };
const schema = {
  fields: [column('id', 'int64', nullable), column('name', 'utf8', nullable), column('x', 'float64', nullable)],
};
const hex = (text: string): string => Buffer.from(text).toString('hex');

/** Rows and reasons for these lines, one after another through one parser. */
function read(lines: readonly string[]): { rows: unknown; reasons: unknown } {
  const { rows, letters } = decode(kernels, schema, Buffer.from(lines.map((line) => `${line}\n`).join('')));
  return { rows, reasons: letters.map(({ reason, position }) => [reason, position]) };
}

test('whitespace that begins as in the lines before is not taken for theirs', () => {
  const styles = ['{"id":1,"name":"a"}', '{"id": 2,"name": "b"}', '{"id":\t3,"name":"c"  }', '{ "id":4 ,"name":"d"}\r'];
  const lines = [...styles, ...styles.toReversed()];
  const row = ['a', 'b', 'c', 'd'].map((name, i) => [BigInt(i + 1), hex(name), null]);
  expect(decode(kernels, schema, Buffer.from(lines.map((line) => `${line}\n`).join(''))).rows.map(String)).toEqual(
    [...row, ...row.toReversed()].map(String),
  );
});

test('a number that goes on behind its digits is read whole, after lines where it did not', () => {
  const numbers = ['12', '12.0', '1200e-2', '0', '-12', '1234567890123456', '9223372036854775807', '12'];
  const { rows } = decode(kernels, schema, Buffer.from(numbers.map((n) => `{"x":1,"id":${n},"n":${n}}\n`).join('')));
  expect(rows.map((row) => String(row[0]))).toEqual([
    '12',
    '12',
    '12',
    '0',
    '-12',
    '1234567890123456',
    '9223372036854775807',
    '12',
  ]);
});

test.each([
  ['{"id":1:}', 'this is not a JSON number', 7],
  ['{"id"::}', 'a value is expected', 6],
  ['{"id":1]', "',' or a closing bracket is expected", 7],
  ['{"id":12a}', 'this is not a JSON number', 8],
  ['{"id":1.}', 'this is not a JSON number', 8],
  ['{"id":012}', 'this is not a JSON number', 6],
  ['{"id":1.5}', "column 'id' (int64): the value is of another type", 6],
  ['{"z":12:}', 'this is not a JSON number', 7],
  ['{"z":1-2}', 'this is not a JSON number', 6],
  ['{"z":tru}', 'a value is expected', 5],
  ['{"z":~}', 'a value is expected', 5],
  [',"name":"a"}', 'a line must hold one JSON object', 0],
  ['}', 'a line must hold one JSON object', 0],
  ['{"id":1{"name":"a"}', 'this is not a JSON number', 7],
  ['{"id":1,{"name":"a"}', 'a key in quotes is expected', 8],
  ['{"name":"a"{}', "',' or a closing bracket is expected", 11],
  ['{"name":"a"}}', 'something follows the object', 12],
  [`{"name":"a"${'\0'.repeat(40)}`, "',' or a closing bracket is expected", 11],
  [`{${'\0'.repeat(40)}`, 'a key in quotes is expected', 1],
  ['\0'.repeat(40), 'a line must hold one JSON object', 0],
] as const)('refuses %j also when each part of it stood in a line before', (line, reason, position) => {
  const whole = ['{"id":1,"name":"a"}', '{"name":"a","id":1}', '{"id":1}', '{}', '{"name":"a"}'];
  const known = [...whole, '{"z":12}', '{"z":true}'];
  const { reasons } = read([...known, ...known, line, ...known]);
  expect(reasons).toEqual([[reason, position]]);
});

test('a line never begins with what stood inside the lines before', () => {
  const lines = Array.from({ length: 2_000 }, (_, i) => [`{"id":1,"k${i}":2}`, `,"k${i}":2}`]).flat();
  const { rows, reasons } = read(lines);
  expect(rows).toEqual(Array.from({ length: 2_000 }, () => [1n, null, null]));
  expect(reasons).toEqual(Array.from({ length: 2_000 }, () => ['a line must hold one JSON object', 0]));
});

test('a column takes null, a string and a number in turn, as each line has it', () => {
  const values = ['null', '"a"', '"\\u0062"', 'null', '""', '"a"'];
  const lines = [...values, ...values].map((value) => `{"id":1,"name":${value}}\n`);
  const names = [null, hex('a'), hex('b'), null, '', hex('a')];
  expect(decode(kernels, schema, Buffer.from(lines.join(''))).rows.map((row) => row[1])).toEqual([...names, ...names]);
});

test('keys and whitespace of any length mean the same, with the value behind them', () => {
  const fields = Array.from({ length: 45 }, (_, i) => column('k'.repeat(i + 1), 'int64', nullable));
  const styles = [
    ['', ''],
    [' ', ' '],
    ['\t\t\t', '   '],
    [' '.repeat(30), ' '.repeat(40)],
  ];
  for (const [colon, comma] of styles) {
    const line = `{${fields.map(({ name }, i) => `"${name}"${colon}:${colon}${i}`).join(`${comma},${comma}`)}}\n`;
    const { rows } = decode(kernels, { fields }, Buffer.from(line.repeat(3)));
    expect(rows.map((row) => row.map(Number))).toEqual([1, 2, 3].map(() => fields.map((_, i) => i)));
  }
});

test('lines of more orders, styles and keys than are remembered are read as any others', () => {
  const random = seededRandom(77);
  const fields = Array.from({ length: 12 }, (_, i) => column(`field_of_${i}`, i % 2 ? 'utf8' : 'int64', nullable));
  const lines = Array.from({ length: 3_000 }, () => {
    const names = fields.map(({ name }) => name);
    for (let i = 0; i < 6; i++) names.push(`other${below(random, 3_000)}`);
    const members = names.map((name) => ({ name, at: below(random, 1_000) })).sort((a, b) => a.at - b.at);
    const pad = ' '.repeat(below(random, 4));
    const items = members.map(({ name, at }) => {
      const i = fields.findIndex((field) => field.name === name);
      return `"${name}"${pad}:${i % 2 === 0 ? at : `"${at}"`}`;
    });
    return `{${pad}${items.join(`,${pad}`)}}\n`;
  });
  const input = Buffer.from(lines.join(''));
  expect(decode(kernels, { fields }, input).rows).toEqual(expected({ fields }, input).rows);
});

test('absent fields and changed whitespace leave a row fast once they have been seen', () => {
  kernels.reset();
  const decoder = openDecoder(kernels, schema, []);
  const shapes = ['{"id":1,"z":2,"name":"a"}', '{"id":1,"name":"a"}', '{"id":1,"z":2}', '{ "id" : 1, "name" : "a" }'];
  decoder.push(Buffer.from(`${shapes.join('\n')}\n`.repeat(100)));
  decoder.next(1e9);
  const { fastRows, generalRows } = decoder.counters;
  expect(fastRows + generalRows).toBe(400);
  expect(generalRows).toBeLessThanOrEqual(shapes.length);
});
