import { describe, expect, test } from 'vitest';
import { processingTimeMs } from '../../../../src/base/time.ts';
import { Idleness } from '../../../../src/runtime/progress/idleness.ts';

const at = processingTimeMs;

describe('a live split', () => {
  test('is idle when it has had nothing for the time-out, each time it was asked', () => {
    const idleness = new Idleness(100);
    expect(idleness.deadline).toBeUndefined();
    expect(idleness.silent(at(1000))).toBe(false);
    expect(idleness.deadline).toBe(1100);
    expect([idleness.silent(at(1099)), idleness.isIdle]).toEqual([false, false]);
    expect([idleness.silent(at(1100)), idleness.isIdle]).toEqual([true, true]);
    expect([idleness.silent(at(1200)), idleness.deadline]).toEqual([false, undefined]);
    expect([idleness.active(), idleness.isIdle, idleness.active()]).toEqual([true, false, false]);
  });

  test('starts anew with every row, and when it was held back', () => {
    const idleness = new Idleness(100);
    idleness.silent(at(0));
    idleness.active();
    expect(idleness.silent(at(150))).toBe(false);
    idleness.heldBack();
    expect(idleness.silent(at(400))).toBe(false);
    expect(idleness.silent(at(500))).toBe(true);
  });

  test('is not idle because the clock was set back, and never without a time-out', () => {
    const idleness = new Idleness(100);
    idleness.silent(at(10_000));
    expect(idleness.silent(at(50))).toBe(false);
    expect(idleness.silent(at(149))).toBe(false);
    expect(idleness.silent(at(150))).toBe(true);
    const never = new Idleness(undefined, true);
    expect([never.isIdle, never.silent(at(0)), never.silent(at(1e12))]).toEqual([false, false, false]);
  });
});
