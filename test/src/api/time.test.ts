/** Instants: exact, immutable, and never mistaken for numbers. */
import { describe, expect, it } from 'vitest';
import { below, seededRandom } from '../../../src/base/random.ts';
import { eventTime } from '../../../src/index.ts';
import { eventTimeOf, processingTimeOf } from '../../../src/platform.ts';
import { mistakeOf } from './stand-ins.ts';

describe('eventTime', () => {
  it('reads ISO text with its zone', () => {
    expect(eventTime('1970-01-01T00:00Z').epochMs).toBe(0);
    expect(eventTime('2001-01-03T10:00:00.250+01:30').epochMs).toBe(Date.UTC(2001, 0, 3, 8, 30, 0, 250));
    expect(eventTime(new Date(1234)).epochMs).toBe(1234);
  });

  it('refuses text without a zone, which would mean another instant on another machine', () => {
    expect(mistakeOf(() => eventTime('2001-01-03T10:00'))).toBe(
      "E1007 '2001-01-03T10:00' is not an instant; write it with its zone, such as '2001-01-03T10:00Z'",
    );
    for (const text of ['2001-13-03T10:00Z', '2001-01-03T25:00Z', '2001-01-03Tten'] as const) {
      expect(mistakeOf(() => eventTime(text))).toContain(`E1007 '${text}' is not an instant`);
    }
    expect(mistakeOf(() => eventTime(new Date(Number.NaN)))).toContain("E1007 'Invalid Date' is not an instant");
  });

  it('gives back what it printed', () => {
    const seed = 20_010_103;
    const random = seededRandom(seed);
    for (let i = 0; i < 1000; i++) {
      const ms = below(random, 2 ** 32) * 1000 + below(random, 1000);
      const text = eventTimeOf(ms).toString();
      // toString gives ISO text, which its type does not say.
      const again = eventTime(text as Parameters<typeof eventTime>[0]);
      expect(again.epochMs, `seed ${seed}, ${text}`).toBe(ms);
    }
  });
});

describe('an instant', () => {
  const at = eventTime('2001-01-03T10:00Z');

  it('moves by durations without changing', () => {
    expect(at.plus('90 minutes').minus('30 minutes').since(at)).toBe(3_600_000);
    expect(at.minus('1 day').since(at)).toBe(-86_400_000);
    expect(at.toString()).toBe('2001-01-03T10:00:00.000Z');
  });

  it('serializes as text', () => {
    expect(JSON.stringify({ at })).toBe('{"at":"2001-01-03T10:00:00.000Z"}');
  });

  it('refuses what JavaScript would do with its number', () => {
    const loose: { readonly [operation: string]: (a: unknown, b: unknown) => unknown } = {
      less: (a, b) => Number(a) < Number(b),
      minus: (a, b) => Number(a) - Number(b),
    };
    const message = 'E1008 an instant of event time is not a number; use since(), or epochMs on both sides';
    for (const operation of Object.values(loose)) expect(mistakeOf(() => operation(at, 5))).toBe(message);
    expect(`${String(at)}`).toBe('2001-01-03T10:00:00.000Z');
  });

  it('of one clock has no distance to one of the other', () => {
    const now = processingTimeOf(0) as unknown as typeof at; // as JavaScript passes it
    expect(mistakeOf(() => at.since(now))).toBe(
      'E1006 since of event time must be given an instant of event time, but is an object',
    );
    expect(processingTimeOf(1000).plus('1 s').since(processingTimeOf(0))).toBe(2000);
  });
});
