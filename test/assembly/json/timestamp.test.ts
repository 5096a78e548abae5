import { expect, test } from 'vitest';
import { column, decode, openKernels } from '../../support/ndjson.ts';

const kernels = await openKernels();

function read(text: string, unit: 's' | 'ms' | 'us' = 'ms'): unknown {
  const schema = { fields: [column('at', 'timestamp', { unit })] };
  const { rows, letters } = decode(kernels, schema, Buffer.from(`{"at":${text}}`));
  return rows[0]?.[0] ?? letters[0]?.reason;
}

test.each([
  ['1970-01-01', 0],
  ['1970-01-01T00:00Z', 0],
  ['1970-01-01 00:00:00', 0],
  ['2026-03-29T01:02:03.004Z', Date.UTC(2026, 2, 29, 1, 2, 3, 4)],
  ['2026-03-29t01:02:03.9999z', Date.UTC(2026, 2, 29, 1, 2, 3, 999)],
  ['2024-02-29T00:00:00+01:00', Date.UTC(2024, 1, 28, 23)],
  ['2000-02-29T12:00-0330', Date.UTC(2000, 1, 29, 15, 30)],
  ['2026-01-01T00:00+14', Date.UTC(2025, 11, 31, 10)],
  ['1969-12-31T23:59:59.999Z', -1],
  ['0000-01-01', -62167219200000],
  ['0000-02-29', -62162121600000],
  ['9999-12-31T23:59:59.999999999Z', 253402300799999],
  ['+010000-01-01', 253402300800000],
  ['+001970-01-01T00:00:00.001Z', 1],
  ['+000000-02-29', -62162121600000],
  ['-000001-12-31', -62167305600000],
  ['-000004-02-29T12:00Z', Date.UTC(-4, 1, 29, 12)],
  ['+275760-09-13T00:00:00.000Z', 8_640_000_000_000_000],
  ['-271821-04-20T00:00Z', -8_640_000_000_000_000],
])('reads %s', (text, ms) => {
  expect(read(`"${text}"`)).toBe(BigInt(ms));
});

test('agrees with Date on every day of four centuries', () => {
  const lines: string[] = [];
  const days: bigint[] = [];
  for (let ms = Date.UTC(1700, 0, 1); ms < Date.UTC(2101, 0, 1); ms += 86_400_000) {
    lines.push(`{"at":"${new Date(ms).toISOString()}"}\n`);
    days.push(BigInt(ms));
  }
  const { rows } = decode(kernels, { fields: [column('at', 'timestamp')] }, Buffer.from(lines.join('')));
  expect(rows.map(([at]) => at)).toEqual(days);
});

test('reads every instant of the calendar as it is written', () => {
  for (let ms = -8.64e15; ms <= 8.64e15; ms += 8.64e15 / 5000 + 86_399_999 / 7) {
    const at = Math.min(8.64e15, Math.floor(ms));
    expect(read(`"${new Date(at).toISOString()}"`)).toBe(BigInt(at));
    expect(read(`"${new Date(at).toISOString()}"`, 'us')).toBe(BigInt(at) * 1000n);
  }
});

test.each([
  '',
  '2026',
  '2026-1-01',
  '2026-13-01',
  '2026-00-01',
  '2026-01-00',
  '2026-01-32',
  '2026-04-31',
  '2025-02-29',
  '1900-02-29',
  '2026-01-01T',
  '2026-01-01T1:00',
  '2026-01-01T24:00',
  '2026-01-01T00:60',
  '2026-01-01T23:59:60Z',
  '2026-01-01T00:00:00.',
  '2026-01-01T00:00:00.1234567890',
  '2026-01-01T00:00:00,5',
  '2026-01-01T00:00ZZ',
  '2026-01-01T00:00+24:00',
  '2026-01-01T00:00+01:60',
  '2026-01-01T00:00+1',
  '2026-01-01T00:00+1:00',
  '2026-01-01Z',
  '2026-01-01T00:00 Z',
  ' 2026-01-01',
  '2026-01-01_00:00',
  '+12026-01-01',
  '-2026-01-01',
  '-000000-01-01',
  '+0100000-01-01',
  '+1',
  '-',
  '+275760-09-13T00:00:00.001Z',
  '+275760-09-13T00:00-00:01',
  '+275760-09-14',
  '-271821-04-19T23:59:59.999Z',
  '+999999-12-31',
  '+0a0000-01-01',
  '2026/01/01',
])('refuses "%s"', (text) => {
  expect(read(`"${text}"`)).toBe("column 'at' (timestamp): this is not an ISO 8601 instant");
});

test('reads an instant whose letters are escaped', () => {
  expect(read('"2026-01-01T00:00:00\\u005a"')).toBe(BigInt(Date.UTC(2026, 0, 1)));
});

test('reads epoch numbers in the unit of the column, cut towards the past', () => {
  expect(read('1700000000', 's')).toBe(1_700_000_000_000n);
  expect(read('1700000000.1239', 's')).toBe(1_700_000_000_123n);
  expect(read('-0.0001', 's')).toBe(-1n);
  expect(read('1700000000123')).toBe(1_700_000_000_123n);
  expect(read('1.7e12')).toBe(1_700_000_000_000n);
  expect(read('-1')).toBe(-1n);
  expect(read('1700000000123456', 'us')).toBe(1_700_000_000_123_456n);
  expect(read('"2026-01-01T00:00:00.123456789Z"', 'us')).toBe(BigInt(Date.UTC(2026, 0, 1)) * 1000n + 123_456n);
});

test('refuses instants beyond the range of Date', () => {
  expect(read('8640000000000000')).toBe(8_640_000_000_000_000n);
  const beyond = [
    ['8640000000000001', 'ms'],
    ['-8640000000000001', 'ms'],
    ['8640000000001', 's'],
    ['9e18', 'us'],
    ['1e300', 's'],
  ] as const;
  for (const [text, unit] of beyond) {
    expect(read(text, unit)).toBe("column 'at' (timestamp): the number is out of range");
  }
});

test('refuses other types', () => {
  const reason = "column 'at' (timestamp): the value is of another type";
  for (const text of ['true', '{}', '[1]']) expect(read(text)).toBe(reason);
});
