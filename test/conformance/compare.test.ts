import { describe, expect, it } from 'vitest';
import { MAX_TIME } from '../../src/base/time.ts';
import { sameValue, Transcript } from './compare.ts';

function transcript(kind = 'window'): Transcript {
  const made = new Transcript(kind);
  made.record(['a', 1], '+I', 3);
  made.record(['b', 2], '+U', 4);
  made.watermark(5);
  made.record(['c', 3], '+I', 6);
  made.status('idle');
  return made;
}

const a = { element: ['a', 1] };
const b = { element: ['b', 2], op: '+U', timestamp: 4 };
const c = { element: ['c', 3] };

describe('what came out', () => {
  it('is a multiset between watermarks, which stand at their places', () => {
    expect(transcript().check({ expect: [b, a, { watermark: 5 }, c, { status: 'idle' }] })).toBeUndefined();
    expect(transcript().check({ expect: [b, a, c, { watermark: 5 }, { status: 'idle' }] })).toBeDefined();
    expect(transcript().check({ expect: [a, a, { watermark: 5 }, c, { status: 'idle' }] })).toBeDefined();
  });

  it('has an order where the kind binds it and the case asks for it', () => {
    const step = { expect: [b, a, { watermark: 5 }, c, { status: 'idle' }], ordered: true };
    expect(transcript().check(step)).toBeUndefined();
    expect(transcript('timers').check(step)).toBeDefined();
    expect(transcript('timers').check({ ...step, ordered: false })).toBeUndefined();
  });

  it('is compared with row kinds, and with timestamps that are given', () => {
    expect(transcript().check({ only: 'records', expect: [a, { ...b, op: '+I' }, c] })).toBeDefined();
    expect(transcript().check({ only: 'records', expect: [{ ...a, timestamp: 4 }, b, c] })).toBeDefined();
    expect(transcript().check({ only: 'records', expect: [{ ...a, timestamp: 3 }, b, c] })).toBeUndefined();
  });

  it('is looked at once by `expect`, and again by `expectNot` and `expectContains`', () => {
    const seen = transcript();
    expect(seen.check({ ignoreOutput: true })).toBeUndefined();
    expect(seen.check({ expect: [] })).toBeUndefined();
    expect(seen.check({ expectContains: [c, a] })).toBeUndefined();
    expect(seen.check({ expectContains: [a, a] })).toBeDefined();
    expect(seen.check({ expectNot: [{ status: 'idle' }] })).toBeDefined();
    expect(seen.check({ expectNot: [{ status: 'active' }] })).toBeUndefined();
  });

  it('shows only what a step asks for', () => {
    expect(transcript().check({ only: 'watermarks', expect: [{ watermark: 5 }, { status: 'idle' }] })).toBeUndefined();
    expect(transcript().check({ only: 'statuses', expect: [{ status: 'idle' }] })).toBeUndefined();
  });

  it('must be above the watermark before it when nothing may be late', () => {
    const seen = transcript();
    expect(seen.check({ noLateOutput: true })).toBeUndefined();
    seen.record(['d', 4], '+I', 5);
    expect(seen.check({ noLateOutput: true })).toBeDefined();
  });

  it('has sides, each looked at once', () => {
    const seen = transcript();
    seen.side('late', ['x'], 1);
    seen.side('odd', ['y']);
    expect(seen.check({ late: [] })).toBeDefined();
    expect(seen.check({ late: [] })).toBeUndefined();
    expect(seen.check({ side: { odd: [{ element: ['y'] }] } })).toBeUndefined();
  });
});

it('takes the names of the ends of time for what they are', () => {
  expect(sameValue('MAX', MAX_TIME)).toBe(true);
  expect(sameValue(['9223372036854775806'], [MAX_TIME])).toBe(true);
  expect(sameValue('12', 12)).toBe(false);
  expect(sameValue({ window: [0, 10] }, { window: [0, 10] })).toBe(true);
  expect(sameValue({ window: [0, 10] }, { window: [0, 11] })).toBe(false);
});
