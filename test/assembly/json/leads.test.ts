import { expect, test } from 'vitest';
import { below, seededRandom } from '../../../src/base/random.ts';
import type { DeadLetter } from '../../../src/connector/source.ts';
import { column, decode, expected, kindsOf, openDecoder, openKernels } from '../../support/ndjson.ts';

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

test('keys that differ in their last letters only are told apart in any order', () => {
  const seed = 91;
  const random = seededRandom(seed);
  const fields = Array.from({ length: 6 }, (_, i) => column(`a_column_of_number_${i}`, 'int64', nullable));
  const lines = Array.from({ length: 500 }, () => {
    const order = fields.map(({ name }, i) => ({ name, i, at: below(random, 1_000) })).sort((a, b) => a.at - b.at);
    return `{${order.map(({ name, i }) => `"${name}":${i}`).join(',')}}\n`;
  });
  const { rows } = decode(kernels, { fields }, Buffer.from(lines.join('')));
  expect(rows.map(String), `seed ${seed}`).toEqual(lines.map(() => '0,1,2,3,4,5'));
});

test.each([62, 63, 64, 65, 150])('of %i columns each line has what it gives and nothing of others', (count) => {
  const random = seededRandom(count);
  const fields = Array.from({ length: count }, (_, i) =>
    column(`c${i}`, i % 3 === 0 ? 'utf8' : 'int64', { nullable: i % 40 !== 5 }),
  );
  const value = (i: number): string => {
    const kind = below(random, 60);
    if (kind === 0) return 'null';
    if (kind === 1) return i % 3 === 0 ? '7' : '"seven"';
    return i % 3 === 0 ? `"${i}"` : `${below(random, 2_000)}`;
  };
  const lines = Array.from({ length: 400 }, () => {
    const items = fields.flatMap(({ name }, i) => (below(random, 40) === 0 ? [] : [`"${name}":${value(i)}`]));
    const again = below(random, count);
    if (below(random, 3) === 0) items.push(`"c${again}":${value(again)}`);
    return `{${items.join(',')}}\n`;
  });
  const input = Buffer.from(lines.join(''));
  const { rows, letters } = decode(kernels, { fields }, input);
  const right = expected({ fields }, input);
  expect(rows).toEqual(right.rows);
  expect(kindsOf(letters)).toEqual(right.letters);
  expect(rows.length).toBeGreaterThan(20);
  expect(letters.length).toBeGreaterThan(20);
});

test('a line of a known shape that is too long is refused, and so are no others', () => {
  const names = ['a', 'b'.repeat(40), 'c', 'd'.repeat(41), 'e'];
  const lines = names.map((name) => `{"id":1,"name":"${name}"}\n`);
  const whole = { fields: schema.fields.slice(0, 2) };
  const { rows, letters } = decode(kernels, whole, Buffer.from(lines.join('')), { lineBytesMax: 18 + 40 });
  expect(rows.map((row) => row[1])).toEqual(['a', 'b'.repeat(40), 'c', 'e'].map(hex));
  expect(letters.map(({ reason }) => reason)).toEqual(['the line is too long']);
});

test('a line that is refused is no row, neither a fast one nor one whose keys were looked up', () => {
  kernels.reset();
  const letters: DeadLetter[] = [];
  const decoder = openDecoder(kernels, schema, letters);
  const lines = ['{"id":1}', '{"id":2}', '{"id":3,"new":tru}', '{"id":4}', '{"also":1,"id":x}', '{"id":5,"third":0}'];
  decoder.push(Buffer.from(`${lines.join('\n')}\n`));
  decoder.next(1e9);
  expect(letters.length).toBe(2);
  expect(decoder.counters).toMatchObject({ fastRows: 2, generalRows: 2 });
});
