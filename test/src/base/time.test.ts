import { expect, it } from 'vitest';
import {
  durationMs,
  eventTimeMs,
  formatTime,
  instantMs,
  MAX_TIME,
  MIN_TIME,
  positiveDurationMs,
  processingTimeMs,
} from '../../../src/base/time.ts';

it.each([
  ['1 ms', 1],
  ['10 s', 10_000],
  ['1 minute', 60_000],
  ['30 minutes', 1_800_000],
  ['1 hour', 3_600_000],
  ['1.5 hours', 5_400_000],
  ['1 day', 86_400_000],
  ['2 days', 172_800_000],
  ['-5 minutes', -300_000],
  ['0 s', 0],
])('reads %s', (text, ms) => {
  expect(durationMs(text, 'the test')).toBe(ms);
});

it.each(['', '10', '10s', 's 10', '10 seconds', '10  s', ' 10 s', '1 constructor', '1 valueOf', '1e3 s', '1, s'])(
  "refuses '%s' as a duration",
  (text) => {
    expect(() => durationMs(text, 'the window')).toThrow(`'${text}' is not a duration for the window`);
  },
);

it('refuses durations that are not above zero where they must be', () => {
  expect(positiveDurationMs('1 ms', 'the window')).toBe(1);
  expect(() => positiveDurationMs('0 s', 'the window')).toThrow("the window must be greater than zero, but is '0 s'");
  expect(() => positiveDurationMs('-1 s', 'the window')).toThrow('greater than zero');
});

it('prints instants, and the two ends of time by name', () => {
  expect(formatTime(eventTimeMs(978_516_000_000))).toBe('2001-01-03T10:00:00.000Z');
  expect(formatTime(processingTimeMs(0))).toBe('1970-01-01T00:00:00.000Z');
  expect(formatTime(MIN_TIME)).toBe('the beginning of time');
  expect(formatTime(MAX_TIME)).toBe('the end of time');
});

it('prints instants that no calendar reaches as milliseconds', () => {
  expect(formatTime(eventTimeMs(9e15))).toBe('9000000000000000 ms');
  expect(formatTime(eventTimeMs(-9e15))).toBe('-9000000000000000 ms');
});

it('refuses durations of more than 100 million days', () => {
  expect(durationMs('100000000 days', 'the window')).toBe(8.64e15);
  expect(() => durationMs('100000001 days', 'the window')).toThrow('is not a duration');
  expect(() => durationMs('-100000001 days', 'the window')).toThrow('is not a duration');
});

it.each(['2001-02-30T10:00Z', '2001-02-29T10:00Z', '2001-01-01T24:00Z', '2001-04-31T10:00+01:00'])(
  'refuses %s, which no calendar has',
  (text) => {
    expect(() => instantMs(text)).toThrow('is not an instant');
  },
);

it('reads days that exist, whatever their zone makes of them', () => {
  expect(instantMs('2000-02-29T23:30-01:00')).toBe(Date.UTC(2000, 2, 1, 0, 30));
  expect(instantMs('+010000-01-01T00:00Z')).toBe(Date.UTC(10000, 0, 1));
});
