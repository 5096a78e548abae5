import { expect, test } from 'vitest';
import { CSV_REASONS, CsvParser } from '../../../src/kernel/csv.ts';
import { PADDING_BYTES, refusalText } from '../../../src/kernel/record-parser.ts';
import { newKernels } from '../../support/kernels.ts';

const kernels = await newKernels();
const schema = { fields: [{ name: 'a', type: { kind: 'int64', nullable: false } as const }] };

function parser(batchRows: number): {
  readonly parse: (text: string, isFinal: boolean) => ReturnType<CsvParser['parse']>;
} {
  kernels.reset();
  const made = new CsvParser({ kernels, schema, columns: new Set(['a']), batchRows, lineBytesMax: 1000 });
  made.setFields(['x', 'a'], ',');
  return {
    parse(text, isFinal) {
      const at = kernels.memory.allocate(text.length + PADDING_BYTES);
      kernels.memory.u8.set(Buffer.from(text), at);
      const result = made.parse(at, at + text.length, at + text.length, isFinal);
      return { ...result, next: result.next - at };
    },
  };
}

test('a call ends at the end of the input, when rows or letters are full, and inside a record', () => {
  const { parse } = parser(2);
  expect(parse('x,1\n', false)).toMatchObject({ status: 'input done', rows: 1, next: 4 });
  expect(parse('x,1\nx,2\nx,3\n', false)).toMatchObject({ status: 'rows full', rows: 2, next: 8 });
  expect(parse('x\n'.repeat(70), false)).toMatchObject({ status: 'letters full', rows: 0, next: 128 });
  expect(parse('x,1\n"x\n', false)).toMatchObject({ status: 'unfinished', rows: 1, next: 4 });
  expect(parse('x,1\n"x\n', true)).toMatchObject({ status: 'input done', rows: 1, next: 7, refused: [{ bytes: 2 }] });
});

test('every reason has words, and those of columns name the column', () => {
  expect(refusalText(CSV_REASONS, 18)).toBe('the quote that begins this field is never closed');
  const column = { name: 'n', type: { kind: 'int8', nullable: false } } as const;
  expect(refusalText(CSV_REASONS, 37, column)).toBe("column 'n' (int8): this is not a number");
  expect(refusalText(CSV_REASONS, 34, column)).toBe("column 'n' (int8): the value is missing or null");
  expect(() => refusalText(CSV_REASONS, 2)).toThrow('reason 2');
});
