import { expect, test } from 'vitest';
import { below, seededRandom } from '../../../src/base/random.ts';
import type { DeadLetter } from '../../../src/connector/source.ts';
import { everyKind, mutatedLine, validLine } from '../../support/json-lines.ts';
import { column, decode, drain, expected, openDecoder, openKernels } from '../../support/ndjson.ts';

const kernels = await openKernels();
const schema = { fields: [column('id', 'int32'), column('name', 'utf8', { nullable: true })] };
const EVERYTHING = Number.MAX_SAFE_INTEGER;

function randomFile(seed: number, lines: number): Buffer {
  const random = seededRandom(seed);
  return Buffer.concat(
    Array.from({ length: lines }, () => {
      const what = below(random, 10);
      const blank = Buffer.from(' \t'.repeat(below(random, 3)));
      const line = what === 0 ? blank : what < 4 ? mutatedLine(random) : Buffer.from(validLine(random));
      return Buffer.concat([line, Buffer.from(below(random, 4) === 0 ? '\r\n' : '\n')]);
    }),
  );
}

test('rows and dead letters do not depend on chunks, buffers and batches', () => {
  const seed = 3;
  const input = randomFile(seed, 400);
  const whole = decode(kernels, everyKind, input);
  expect(whole.rows).toEqual(expected(everyKind, input).rows);
  for (const chunk of [1, 2, 7, 63, 1000, 65_536, 1 << 20]) {
    for (const batchRows of [1, 7, 4096]) {
      const parts = decode(kernels, everyKind, input, { chunk, batchRows, chunkBytes: 16 });
      expect(parts, `seed ${seed}, chunks of ${chunk}, batches of ${batchRows}`).toEqual(whole);
    }
  }
});

test('rows below a limit do not depend on chunks and batches, and no line that starts beyond it is touched', () => {
  const seed = 4;
  const input = randomFile(seed, 200);
  const limits = [0, 1, 1000, 1001, 20_000, 50_000, input.length, EVERYTHING];
  const runs = [
    [1, 3],
    [777, 1],
    [100_000, 4096],
  ].map(([chunk = 1, batchRows = 1]) => {
    kernels.reset();
    const letters: DeadLetter[] = [];
    const decoder = openDecoder(kernels, everyKind, letters, { batchRows, chunkBytes: 64, offset: 500 });
    let pushed = 0;
    return limits.map((limit) => {
      const rows: unknown[][] = [];
      while (true) {
        const answer = drain(kernels, decoder, rows as never, limit + 500);
        if (answer !== 'need input') return { answer, rows, letters: letters.length, position: decoder.position };
        if (pushed < input.length) decoder.push(input.subarray(pushed, (pushed += chunk)));
        else decoder.end();
      }
    });
  });
  expect(runs[1]).toEqual(runs[0]);
  expect(runs[2]).toEqual(runs[0]);
  const positions = runs[0]?.map(({ position }) => position - 500) ?? [];
  for (const [i, position] of positions.entries()) {
    expect(position === 0 || position === input.length || input[position - 1] === 10).toBe(true);
    const lastStart = input.subarray(0, Math.max(position - 1, 0)).lastIndexOf(10) + 1;
    expect(position === 0 || lastStart < (limits[i] ?? 0)).toBe(true);
  }
  expect(runs[0]?.map(({ answer }) => answer)).toEqual([...Array(limits.length - 1).fill('limit'), 'end']);
});

test('a decoder that starts at a position goes on with the same rows and dead letters', () => {
  const seed = 5;
  const input = randomFile(seed, 300);
  const whole = decode(kernels, everyKind, input, { batchRows: 16 });
  kernels.reset();
  const first: DeadLetter[] = [];
  const rows: unknown[][] = [];
  const decoder = openDecoder(kernels, everyKind, first, { batchRows: 16 });
  decoder.push(input);
  drain(kernels, decoder, rows as never, 40_000);
  const { position } = decoder;
  const rest = decode(kernels, everyKind, input.subarray(position), { offset: position });
  expect([...rows, ...rest.rows]).toEqual(whole.rows);
  expect([...first, ...rest.letters]).toEqual(whole.letters);
});

test('skips empty lines, takes CRLF and a last line without a newline', () => {
  const text = '\n\r\n{"id":1}\r\n \t \n\n{"id":2} \n{"id":3}';
  expect(decode(kernels, schema, Buffer.from(text))).toEqual({
    rows: [
      [1, null],
      [2, null],
      [3, null],
    ],
    letters: [],
  });
  expect(decode(kernels, schema, Buffer.from(''))).toEqual({ rows: [], letters: [] });
  expect(decode(kernels, schema, Buffer.from(' '))).toEqual({ rows: [], letters: [] });
});

test('a last line that is cut off is a dead letter', () => {
  const { rows, letters } = decode(kernels, schema, Buffer.from('{"id":1}\n{"id":2,"na'));
  expect(rows).toEqual([[1, null]]);
  expect(letters).toEqual([
    {
      source: 'source',
      split: 'split',
      offset: 9,
      position: 11,
      reason: 'the string does not end on its line',
      bytes: Uint8Array.from(Buffer.from('{"id":2,"na')),
    },
  ]);
});

test('takes a line that is far longer than a chunk', () => {
  const name = 'long '.repeat(100_000);
  const text = `{"id":1,"name":"${name}"}\n{"id":2}\n`;
  const { rows } = decode(kernels, schema, Buffer.from(text), { chunk: 10_000, chunkBytes: 10_000 });
  expect(rows.map(([id]) => id)).toEqual([1, 2]);
  expect(rows[0]?.[1]).toBe(Buffer.from(name).toString('hex'));
});

test('unescapes more text than the scratch has at first', () => {
  const name = '\\u00e9\\n'.repeat(60_000);
  const text = `{"id":1}\n{"id":2,"name":"${name}"}\n{"id":3,"name":"\\t"}\n`;
  const { rows } = decode(kernels, schema, Buffer.from(text));
  expect(rows.map(([id]) => id)).toEqual([1, 2, 3]);
  expect(rows[1]?.[1]).toBe(Buffer.from('é\n'.repeat(60_000)).toString('hex'));
});

test('a line beyond the limit becomes one dead letter with its first bytes, however it came in', () => {
  const long = `{"id":1,"name":"${'x'.repeat(300)}"}`;
  const blanks = `${' '.repeat(101)}\n${' '.repeat(100)}`;
  const text = `{"id":1}\n${long}\n{"id":2}\n${blanks}\n${long}\n${long}\n{"id":3}\n${long}`;
  const whole = decode(kernels, schema, Buffer.from(text), { lineBytesMax: 100 });
  expect(whole.rows).toEqual([
    [1, null],
    [2, null],
    [3, null],
  ]);
  const starts = [9, 9 + long.length + 1 + 9];
  expect(whole.letters.map(({ offset }) => offset).slice(0, 2)).toEqual(starts);
  expect(whole.letters.length).toBe(5);
  expect(new Set(whole.letters.map(({ reason }) => reason))).toEqual(new Set(['the line is too long']));
  expect(whole.letters.every(({ bytes, position }) => bytes.length === 101 && position === undefined)).toBe(true);
  for (const chunk of [1, 50, 99, 100, 101, 102, 400, 1000]) {
    const parts = decode(kernels, schema, Buffer.from(text), { lineBytesMax: 100, chunk, chunkBytes: 8 });
    expect(parts, `chunks of ${chunk}`).toEqual(whole);
  }
});

test('takes a line of exactly the longest length', () => {
  const line = `{"id":1,"name":"${'x'.repeat(82)}"}`;
  expect(line.length).toBe(100);
  for (const chunk of [1, 100, 101, 1000]) {
    const input = Buffer.from(`${line}\n${line}`);
    expect(decode(kernels, schema, input, { lineBytesMax: 100, chunk }).rows.length).toBe(2);
    expect(decode(kernels, schema, input, { lineBytesMax: 99, chunk }).letters.length).toBe(2);
  }
});

test('the position moves over a long line only with its dead letter', () => {
  kernels.reset();
  const letters: DeadLetter[] = [];
  const decoder = openDecoder(kernels, schema, letters, { lineBytesMax: 20 });
  decoder.push(Buffer.from(`{"id":1}\n{"id":2,"name":"${'x'.repeat(50)}`));
  drain(kernels, decoder, []);
  expect([decoder.position, letters.length]).toEqual([9, 0]);
  decoder.push(Buffer.from('yyyy"}\n{"id":3}\n'));
  expect(drain(kernels, decoder, [], 9)).toBe('limit');
  expect([decoder.position, letters.length]).toEqual([9, 0]);
  drain(kernels, decoder, []);
  expect([decoder.position, letters.length]).toEqual([9 + 73 + 9, 1]);
});

test('keeps at most 65,536 bytes of a refused line', () => {
  const { letters } = decode(kernels, schema, Buffer.from(`{"id":1,"name":"${'x'.repeat(200_000)}"\n`));
  expect(letters.map(({ bytes }) => bytes.length)).toEqual([65_536]);
});

test('delivers many dead letters in order, each once', () => {
  const lines = Array.from({ length: 1000 }, (_, i) => (i % 3 === 0 ? `{"id":${i}}` : `{"id":"${i}"}`));
  const { rows, letters } = decode(kernels, schema, Buffer.from(lines.join('\n')));
  expect(rows.map(([id]) => id)).toEqual(lines.flatMap((_, i) => (i % 3 === 0 ? [i] : [])));
  expect(letters.map(({ bytes }) => Buffer.from(bytes).toString())).toEqual(lines.filter((_, i) => i % 3 !== 0));
});

test('counts rows, bytes and dead letters', () => {
  kernels.reset();
  const decoder = openDecoder(kernels, schema, []);
  const text = '{"id":1}\n{"id":2}\nnothing\n{"id":3}\n';
  decoder.push(Buffer.from(text));
  decoder.end();
  expect(drain(kernels, decoder, [])).toBe('end');
  const { fastRows, generalRows, bytes, deadLetters } = decoder.counters;
  expect([fastRows + generalRows, bytes, deadLetters]).toEqual([3, text.length, 1]);
});
