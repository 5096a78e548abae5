import { expect, test } from 'vitest';
import { canonicalText } from '../../../src/testing/canonical-text.ts';

test('the order of keys, of Maps and of Sets does not count; the order of lists does', () => {
  expect(canonicalText({ a: 1, b: 2 })).toBe(canonicalText({ b: 2, a: 1 }));
  expect(
    canonicalText(
      new Map([
        ['a', 1],
        ['b', 2],
      ]),
    ),
  ).toBe(
    canonicalText(
      new Map([
        ['b', 2],
        ['a', 1],
      ]),
    ),
  );
  expect(canonicalText(new Set([1, 2]))).toBe(canonicalText(new Set([2, 1])));
  expect(canonicalText([1, 2])).not.toBe(canonicalText([2, 1]));
});

test('values that JSON confuses have texts of their own', () => {
  const values: readonly unknown[] = [
    0,
    -0,
    NaN,
    Infinity,
    null,
    undefined,
    '',
    'null',
    0n,
    '0',
    true,
    [],
    {},
    new Map(),
    new Set(),
    [undefined],
    [null],
    Uint8Array.of(0),
    [0],
    new Date(0),
    '0n',
    [[]],
    { a: undefined },
    { a: null },
  ];
  const texts = values.map(canonicalText);
  expect(new Set(texts).size, texts.join(' | ')).toBe(values.length);
});
