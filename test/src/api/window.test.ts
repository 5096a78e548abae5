/** Windows that cannot be, as users of JavaScript meet them: the exact messages. Further ones in bad-input.test.ts. */
import { describe, expect, it } from 'vitest';
import { UserError } from '../../../src/base/errors.ts';
import { cumulating, hopping, tumbling } from '../../../src/index.ts';

/** JavaScript may hand in anything. */
type Loose = (...given: unknown[]) => unknown;
// As Loose says.
const [tumble, hop, cumulate] = [tumbling, hopping, cumulating] as unknown as [Loose, Loose, Loose];

function wrong(make: () => unknown): string {
  try {
    make();
  } catch (error) {
    if (error instanceof UserError) return `${error.code} ${error.message}`;
    throw error;
  }
  return 'no mistake';
}

describe('a window', () => {
  it('cumulates in steps that divide its size', () => {
    expect(wrong(() => cumulate('5 minutes', '2 minutes'))).toBe(
      "E1006 the step must be a part of the window size '5 minutes' that divides it, but is '2 minutes'",
    );
  });

  it('names its zone by text or by a column', () => {
    expect(wrong(() => tumble('1 day', { zone: 1 }))).toBe(
      "E1006 the zone of tumbling must be a name such as 'Europe/Berlin', but is 1",
    );
  });

  it('takes units of the calendar as the size of tumbling alone, and whole ones', () => {
    const message = (text: string, what: string): string =>
      `E1023 '${text}' has no fixed length, and ${what} needs one: weeks, months, quarters and years are sizes of tumbling()`;
    expect(wrong(() => tumble('1 month'))).toBe('no mistake');
    expect(wrong(() => tumble('2 weeks', { zone: 'Asia/Tokyo' }))).toBe('no mistake');
    expect(wrong(() => tumble('1.5 months'))).toBe(message('1.5 months', 'the window size'));
    expect(wrong(() => tumble('0 months'))).toBe(message('0 months', 'the window size'));
    expect(wrong(() => hop('1 month', '1 day'))).toBe(message('1 month', 'the window size'));
    expect(wrong(() => tumble('1 day', { offset: '1 quarter' }))).toBe(message('1 quarter', 'the offset of tumbling'));
  });

  it('has no other options', () => {
    expect(wrong(() => cumulate('1 day', '1 hour', { zon: 'UTC' }))).toBe("E1009 unknown option 'zon' of cumulating");
  });
});
