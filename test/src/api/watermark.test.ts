import { describe, expect, test } from 'vitest';
import {
  adaptive,
  boundedOutOfOrderness,
  custom,
  eventTime,
  job,
  monotonous,
  punctuated,
  type Strategy,
} from '../../../src/index.ts';
import { explainPhysical, physicalPlanOf } from '../../../src/platform.ts';
import { mistakeOf, raw, sink } from './stand-ins.ts';

/** Options that TypeScript refuses. */
const wrongly = (options: unknown): string =>
  // What users of JavaScript can pass.
  mistakeOf(() => raw.watermark('scheduled', monotonous(), options as Parameters<typeof raw.watermark>[2]));

describe('options of watermark', () => {
  test('that are wrong are named, with what they take', () => {
    expect(wrongly({ futureSkew: 'soon' })).toBe(
      "E1001 'soon' is not a duration for futureSkew of watermark; write a number, a space and a unit, such as '10 s' or '1 hour'",
    );
    expect(wrongly({ futureSkew: false })).toBe(
      "E1006 futureSkew of watermark must be a duration such as '1 day', or 'off', but is false",
    );
    expect(wrongly({ futureSkew: '0 s' })).toBe(
      "E1003 futureSkew of watermark must be greater than zero, but is '0 s'",
    );
    expect(wrongly({ align: { group: '', maxDrift: '1 s' } })).toBe(
      "E1006 the group of align must be a name, but is ''",
    );
    expect(wrongly({ align: { group: 'g' } })).toBe(
      "E1006 maxDrift of align must be a duration such as '10 minutes', but is undefined",
    );
    expect(wrongly({ align: { group: 'g', drift: '1 s' } })).toBe(
      "E1009 unknown option 'drift' of align | it takes: group, maxDrift. Did you mean 'maxDrift'?",
    );
    expect(wrongly({ align: 'g' })).toBe("E1006 the options of align must be an object, but is 'g'");
  });
});

describe('strategies', () => {
  test('that are wrong are named, with what they take', () => {
    expect(mistakeOf(() => adaptive({ lateRate: 2, max: '1 hour' }))).toBe(
      'E1006 lateRate of adaptive must be a share of the rows, from 0.000001 to 0.5, but is 2',
    );
    expect(mistakeOf(() => adaptive({ lateRate: 0.01, max: '-1 hour' }))).toBe(
      "E1003 max of adaptive must be greater than zero, but is '-1 hour'",
    );
    // As users of JavaScript may.
    expect(mistakeOf(() => punctuated('at' as unknown as () => undefined))).toBe(
      "E1006 punctuated must be given a function of a row, but is 'at'",
    );
    expect(mistakeOf(() => custom({ state: () => 0, onRow: () => undefined, every: '1 s' }))).toBe(
      "E1006 every of custom must be left out where there is no onPeriodic, but is '1 s'",
    );
  });

  test('stand in explain with guard, idleness and alignment', () => {
    const explained = (strategy: Strategy, options?: Parameters<typeof raw.watermark>[2]): string => {
      const output = raw.watermark('scheduled', strategy, options).to(sink('out'));
      const line = (text: string): string =>
        text.split('\n').findLast((each) => /^ *(watermark )?scheduled /.test(each)) ?? '';
      const physical = line(explainPhysical(physicalPlanOf(job(output), 'x')));
      return `${line(output.explain()).trim().replace('watermark ', '')} | ${physical.trim()}`;
    };
    expect(explained(adaptive({ lateRate: 0.001, max: '3 hours' }))).toBe(
      'scheduled adaptive: 0.1% late, waiting at most 3 hours | '
        + 'scheduled adaptive: 0.1% late, waiting at most 3 hours, idle after 1 minute, from the future beyond 31 days',
    );
    expect(
      explained(boundedOutOfOrderness('10 s'), {
        idleAfter: 'off',
        futureSkew: '1 day',
        align: { group: 'g', maxDrift: '90 s' },
      }),
    ).toMatch(
      /^(.*out of order by at most 10 s, never idle, from the future beyond 1 day, at most 90 s ahead in group 'g') \| \1$/,
    );
    expect(
      explained(
        punctuated(() => eventTime('2026-01-01T00:00Z')),
        { futureSkew: 'off' },
      ),
    ).toContain('scheduled by a user function of each row, no guard against the future |');
    expect(
      explained(custom({ state: () => 0, onRow: () => undefined, onPeriodic: () => undefined, every: '1 s' })),
    ).toContain('scheduled by a user generator, asked every 1 s |');
  });
});
