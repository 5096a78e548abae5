import { expect, test } from 'vitest';
import { below, seededRandom } from '../../../src/base/random.ts';
import { column, decode, openKernels } from '../../support/ndjson.ts';

const kernels = await openKernels();
const doubles = { fields: [column('x', 'float64')] };

function checkDoubles(texts: readonly string[], hint: string): void {
  const { rows, letters } = decode(kernels, doubles, Buffer.from(texts.map((text) => `{"x":${text}}\n`).join('')));
  expect(letters, hint).toEqual([]);
  expect(rows.length, hint).toBe(texts.length);
  for (const [i, text] of texts.entries()) {
    const found = rows[i]?.[0];
    if (Object.is(found, Number(text))) continue;
    expect.fail(`${hint}: ${text.slice(0, 60)} became ${String(found)}, not ${Number(text)}`);
  }
}

const bits = new DataView(new ArrayBuffer(8));
function doubleOf(high: number, low: number): number {
  bits.setUint32(0, high);
  bits.setUint32(4, low);
  return bits.getFloat64(0);
}

/** Exact decimal digits of the middle between a positive double and the next one. */
function middleAbove(value: number): string {
  bits.setFloat64(0, value);
  const word = bits.getBigUint64(0);
  const exponent = Number(word >> 52n);
  const mantissa = (word & ((1n << 52n) - 1n)) + (exponent === 0 ? 0n : 1n << 52n);
  const power = Math.max(exponent, 1) - 1076;
  const twice = mantissa * 4n + 2n;
  return power >= 0 ? `${twice << BigInt(power)}e0` : `${twice * 5n ** BigInt(-power)}e${power}`;
}

test('reads the doubles that are known to be hard', () => {
  checkDoubles(
    [
      '0',
      '-0',
      '0.0',
      '-0.0e5',
      '5e-324',
      '4.9406564584124654e-324',
      '2.4703282292062327e-324',
      '2.4703282292062328e-324',
      '2.2250738585072011e-308',
      '2.2250738585072014e-308',
      middleAbove(2.225073858507201e-308),
      middleAbove(2.225073858507201e-308).replace('e', '.0000001e'),
      '1.7976931348623157e308',
      '1.7976931348623158e308',
      '1.7976931348623159e308',
      '1e308',
      '1e309',
      '1e400',
      '-1e400',
      '0.1e-400',
      '1e-400',
      '1E5',
      '1e+5',
      '9007199254740993',
      '9007199254740993.0000000000000000000000000001',
      '9007199254740992.9999999999999999',
      '9007199254740991',
      '1e22',
      '1e23',
      '8.5e22',
      '123456789012345678901234567890',
      '0.1',
      '0.30000000000000004',
      '3.14159265358979323846264338327950288',
      '6.02214076e23',
      '1.448997445238699',
      '7.2057594037927933e16',
      '0.000000000000000000000000000000000000000000000000000000000000000000001',
      `1${'0'.repeat(400)}e-400`,
      `0.${'0'.repeat(400)}1e401`,
      `${'9'.repeat(1000)}`,
      `0.${'9'.repeat(1000)}`,
      `1${'0'.repeat(1000)}`,
      '1e-99999999999999999999',
      '0e99999999999999999999',
      '1e99999999999999999999',
      '100000000000000000000000000000000000001e-38',
    ],
    'hard doubles',
  );
});

test('reads every power of ten and its neighbours', () => {
  const texts: string[] = [];
  for (let e = -345; e <= 310; e++) {
    for (const digits of ['1', '9', '1.7976931348623157', '4.4501477170144023', '12345678901234567', '9'.repeat(20)]) {
      texts.push(`${digits}e${e}`);
    }
  }
  checkDoubles(texts, 'powers of ten');
});

test('reads every power of two, and the middle between it and the next double, to the even side', () => {
  const texts: string[] = [];
  for (let e = -1074; e <= 1023; e++) {
    const middle = middleAbove(2 ** e);
    const [digits = '', power = '0'] = middle.split('e');
    texts.push(String(2 ** e), middle, `${BigInt(digits) - 1n}e${power}`, `${digits}.${'0'.repeat(30)}1e${power}`);
  }
  checkDoubles(texts, 'powers of two');
});

test('reads random bit patterns as they print, with 17 digits, and with more than 19', () => {
  const seed = 77;
  const random = seededRandom(seed);
  const texts: string[] = [];
  while (texts.length < 60_000) {
    const value = doubleOf(random.u32(), random.u32());
    if (!Number.isFinite(value)) continue;
    texts.push(String(value), value.toExponential(16));
    texts.push(value.toExponential(20).replace('e', `${below(random, 1e9)}e`));
  }
  checkDoubles(texts, `seed ${seed}`);
});

test('reads the middle between random doubles exactly', () => {
  const seed = 78;
  const random = seededRandom(seed);
  const texts: string[] = [];
  while (texts.length < 3000) {
    const value = Math.abs(doubleOf(random.u32(), random.u32()));
    if (Number.isFinite(value) && value < 1e308) texts.push(middleAbove(value));
  }
  checkDoubles(texts, `seed ${seed}`);
});

test('rounds float32 columns to the nearest single', () => {
  const texts = ['0.1', '16777217', '3.4028235677973366e38', '1e39', '-1e-46', '1.17549429e-38'];
  const input = Buffer.from(texts.map((text) => `{"x":${text}}\n`).join(''));
  const { rows } = decode(kernels, { fields: [column('x', 'float32')] }, input);
  expect(rows).toEqual(texts.map((text) => [Math.fround(Number(text))]));
});

const integers = (kind: 'int8' | 'int16' | 'int32' | 'int64', text: string): unknown => {
  const { rows, letters } = decode(kernels, { fields: [column('x', kind)] }, Buffer.from(`{"x":${text}}\n`));
  return rows[0]?.[0] ?? letters[0]?.reason;
};

test('keeps every digit of an int64', () => {
  const texts = [
    '9223372036854775807',
    '-9223372036854775808',
    '9007199254740993',
    '1234567890123456',
    '12345678901234567',
  ];
  for (const text of [...texts, '0', '-1']) {
    expect(integers('int64', text)).toBe(BigInt(text));
  }
});

test.each([
  ['5.0', 5n],
  ['5e0', 5n],
  ['50e-1', 5n],
  ['0.5e1', 5n],
  ['1e18', 10n ** 18n],
  ['10000000000000000000000e-20', 100n],
  ['-0', 0n],
  ['0e999999', 0n],
  ['0.000', 0n],
])('takes %s as the integer it is', (text, value) => {
  expect(integers('int64', text)).toBe(value);
});

test.each([
  ['int64', '0.5', 'another type'],
  ['int64', '1e-400', 'another type'],
  ['int64', '9223372036854775807.5', 'another type'],
  ['int64', '9223372036854775808', 'out of range'],
  ['int64', '-9223372036854775809', 'out of range'],
  ['int64', '1e400', 'out of range'],
  ['int64', '18446744073709551616', 'out of range'],
  ['int8', '128', 'out of range'],
  ['int8', '-129', 'out of range'],
  ['int16', '32768', 'out of range'],
  ['int32', '2147483648', 'out of range'],
  ['int32', '-2147483649', 'out of range'],
  ['int32', '"5"', 'another type'],
  ['int32', 'true', 'another type'],
  ['int32', '[5]', 'another type'],
] as const)('refuses for an %s column: %s', (kind, text, reason) => {
  expect(integers(kind, text)).toContain(`column 'x' (${kind}): the`);
  expect(integers(kind, text)).toContain(reason);
});

const NO_NUMBERS = [
  '01',
  '-01',
  '-',
  '+1',
  '.5',
  '1.',
  '1.e5',
  '1e',
  '1e+',
  '0x10',
  '1_000',
  'NaN',
  'Infinity',
  '-Infinity',
  '1 2',
  '1a',
  '1.5.5',
  '00',
  '1234567890123456x',
  '--1',
];

test.each(NO_NUMBERS)('refuses what is not a JSON number, read or skipped: %s', (text) => {
  for (const key of ['x', 'unread']) {
    const { rows, letters } = decode(kernels, doubles, Buffer.from(`{"${key}":${text}}\n{"x":1}\n`));
    expect(rows).toEqual([[1]]);
    expect(letters.map(({ reason }) => reason.startsWith('column'))).toEqual([false]);
  }
});
