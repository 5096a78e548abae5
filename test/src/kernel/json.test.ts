import { describe, expect, test } from 'vitest';
import { tableSchema } from '../../../src/data/schema.ts';
import type { KernelInstance } from '../../../src/kernel/instance.ts';
import { JSON_REASONS, JsonParser } from '../../../src/kernel/json.ts';
import { LINE_TOO_LONG, PADDING_BYTES, refusalText } from '../../../src/kernel/record-parser.ts';
import { readColumn } from '../../support/column-batch.ts';
import { newKernels } from '../../support/kernels.ts';

const schema = tableSchema([
  { name: 'name', type: { kind: 'utf8', nullable: false } },
  { name: 'n', type: { kind: 'int32', nullable: true } },
  { name: 'other', type: { kind: 'json', nullable: true } },
]);

function open(kernels: KernelInstance, batchRows = 8) {
  const parser = new JsonParser({ kernels, schema, columns: new Set(['name', 'n']), batchRows, lineBytesMax: 1 << 20 });
  const parse = (text: string) => {
    const bytes = new TextEncoder().encode(text);
    const at = kernels.memory.allocate(bytes.length + PADDING_BYTES);
    kernels.memory.u8.set(bytes, at);
    const result = parser.parse(at, at + bytes.length, at + bytes.length);
    return { ...result, consumed: result.next - at };
  };
  return { parser, parse };
}

describe('the door to the JSON parser', () => {
  test('makes the columns asked for, and no others', async () => {
    const kernels = await newKernels();
    const { parse } = open(kernels);
    const { status, rows, columns } = parse('{"name":"a","n":1,"other":[1]}\n{"n":null,"name":"b"}\n');
    expect([status, rows]).toEqual(['input done', 2]);
    const [name, n, other] = columns;
    expect(other).toEqual({ values: 0, validity: 0 });
    expect(readColumn(kernels.memory, 'utf8', name ?? { values: 0, validity: 0 }, [0, 1])).toEqual(['a', 'b']);
    expect(readColumn(kernels.memory, 'int32', n ?? { values: 0, validity: 0 }, [0, 1])).toEqual([1n, null]);
  });

  test('stops when the rows are full, where the next line starts', async () => {
    const { parse } = open(await newKernels(), 2);
    const line = '{"name":"a"}\n';
    expect(parse(line.repeat(3))).toMatchObject({ status: 'rows full', rows: 2, consumed: 2 * line.length });
  });

  test('says of a refused line where it lies, where it goes wrong, and which column does not hold', async () => {
    const { parse } = open(await newKernels());
    const { rows, refused } = parse('{"name":"a"}\n{"name":}\n{"name":"b","n":"x"}\n');
    expect(rows).toBe(1);
    expect(refused.map(({ bytes, position, reason }) => ({ bytes, position, reason }))).toEqual([
      { bytes: 9, position: 8, reason: 'a value is expected' },
      { bytes: 20, position: 16, reason: "column 'n' (int32): the value is of another type" },
    ]);
  });

  test('asks for more scratch when escapes of one line need more than it has, and goes on with it', async () => {
    const { parser, parse } = open(await newKernels());
    const line = `{"name":"${'\\n'.repeat(parser.scratchBytes)}"}\n`;
    expect(parse(line)).toMatchObject({ status: 'scratch full', rows: 0, consumed: 0 });
    parser.growScratch(2 * line.length);
    expect(parse(line)).toMatchObject({ status: 'input done', rows: 1, refused: [] });
  });
});

test('a reason names its column where there is one', () => {
  expect(refusalText(JSON_REASONS, LINE_TOO_LONG)).toBe('the line is too long');
  expect(refusalText(JSON_REASONS, 33, { name: 'n', type: { kind: 'int8', nullable: false } })).toBe(
    "column 'n' (int8): the number is out of range",
  );
});
