import { expect, it } from 'vitest';
import { formatBytes, sizeBytes } from '../../../src/base/bytes.ts';

it.each([
  ['1 B', 1],
  ['2 KB', 2048],
  ['256 MB', 268_435_456],
  ['1.5 GB', 1_610_612_736],
])('reads %s', (text, bytes) => {
  expect(sizeBytes(text, 'the test')).toBe(bytes);
});

it.each(['', '256', '256MB', '256 mb', '1 TB'])("refuses '%s' as a size", (text) => {
  expect(() => sizeBytes(text, 'the memory')).toThrow(`'${text}' is not a size for the memory`);
});

it('refuses sizes that are not above zero', () => {
  expect(() => sizeBytes('0 MB', 'the memory')).toThrow('greater than zero');
  expect(() => sizeBytes('-1 MB', 'the memory')).toThrow('greater than zero');
});

it.each([
  [0, '0 B'],
  [1023, '1023 B'],
  [1024, '1 KB'],
  [1536, '1.5 KB'],
  [268_435_456, '256 MB'],
  [-2048, '-2 KB'],
])('prints %d bytes as %s', (bytes, text) => {
  expect(formatBytes(bytes)).toBe(text);
});
