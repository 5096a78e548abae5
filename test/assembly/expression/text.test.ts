import { beforeAll, expect, test } from 'vitest';
import { below, type Random, seededRandom } from '../../../src/base/random.ts';
import { Physical } from '../../../src/data/types.ts';
import { Comparison, ExpressionKernels } from '../../../src/kernel/expression.ts';
import type { KernelInstance } from '../../../src/kernel/instance.ts';
import { columnOf, kernelInstance } from '../../support/column-batch.ts';

let kernels: KernelInstance;
beforeAll(async () => {
  kernels = await kernelInstance(16);
});

/** A text of the given length in bytes that differs from 'aaa…' in at most one place. */
function nearly(random: Random, length: number): string {
  const bytes = Array.from({ length }, () => 'a');
  if (length > 0 && below(random, 2) === 0) bytes[below(random, length)] = below(random, 2) === 0 ? '!' : 'z';
  return bytes.join('');
}

test('texts of every length compare as their bytes do, with a column or a constant on the other side', () => {
  const k = new ExpressionKernels(kernels);
  const ops = {
    eq: (x: string, y: string) => x === y,
    ne: (x: string, y: string) => x !== y,
    lt: (x: string, y: string) => x < y,
    le: (x: string, y: string) => x <= y,
  };
  for (let length = 0; length <= 40; length++) {
    kernels.reset();
    const random = seededRandom(length);
    const side = (): string[] =>
      Array.from({ length: 30 }, () => nearly(random, Math.max(0, length + below(random, 4) - 2)));
    const [left, right] = [side(), side()];
    const [a, b] = [left, right].map((texts) => ({ ...columnOf(kernels.memory, 'utf8', texts), errors: 0 }));
    const out = kernels.memory.allocate(64);
    for (const [op, holds] of Object.entries(ops)) {
      for (const step of [8, 0]) {
        if (a === undefined || b === undefined) throw new Error('two operands');
        k.compare(Physical.VIEW, Comparison[op as keyof typeof Comparison], { ...a, step: 8 }, { ...b, step }, 0, out, {
          rows: 30,
          selection: 0,
          selected: 30,
        });
        const expected = left.map((text, row) => Number(holds(text, right[step === 0 ? 0 : row] ?? '')));
        expect([...kernels.memory.u8.slice(out, out + 30)], `${op}, length ${length}, step ${step}`).toEqual(expected);
      }
    }
  }
});

test('text that ends where memory ends is compared without reading beyond it', () => {
  kernels.reset();
  const k = new ExpressionKernels(kernels);
  const { memory } = kernels;
  const last = memory.u8.length;
  const texts = ['abc', 'abcdefgh', 'abcdefghijkl'];
  for (const [row, text] of texts.entries()) {
    memory.u8.set(new TextEncoder().encode(text), last - text.length);
    const end = { ...columnOf(memory, 'utf8', ['']), step: 8, errors: 0 };
    memory.u32.set([last - text.length, text.length], end.values / 4);
    const out = memory.allocate(16);
    for (const other of texts) {
      const constant = { ...columnOf(memory, 'utf8', [other]), step: 0, errors: 0 };
      k.compare(Physical.VIEW, Comparison.eq, end, constant, 0, out, { rows: 1, selection: 0, selected: 1 });
      expect(memory.u8[out], `${text} and ${other}`).toBe(Number(texts[row] === other));
    }
    k.length(end, 'code points', out, { rows: 1, selection: 0, selected: 1 });
    expect(memory.i32[out / 4]).toBe(text.length);
  }
});
