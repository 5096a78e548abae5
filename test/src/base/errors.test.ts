import { expect, it } from 'vitest';
import { assert, assertNever } from '../../../src/base/assert.ts';
import { didYouMean, ExternalError, InternalError, UserError } from '../../../src/base/errors.ts';

it('prints code, message, place and hint of a user error', () => {
  const error = new UserError(
    'E1203',
    { column: 'delay', where: "aggregate of 'per-hour'" },
    {
      location: {
        file: 'departures.ts',
        line: 11,
        source: "  .aggregate({ worst: max('delay') })",
        operator: 'per-hour',
      },
      hint: "Did you mean 'delayMinutes'?",
    },
  );
  expect(error.format()).toBe(
    [
      "error[E1203] unknown column 'delay' in aggregate of 'per-hour'",
      "  departures.ts:11  .aggregate({ worst: max('delay') })",
      '  in operator per-hour',
      "  Did you mean 'delayMinutes'?",
    ].join('\n'),
  );
});

it('prints no empty lines for what is not known', () => {
  expect(new UserError('E1005', { column: 'a' }).format()).toBe("error[E1005] column 'a' is declared twice");
});

it('carries the cause and whether trying again can help', () => {
  const cause = new Error('ENOSPC');
  const error = new ExternalError('E1502', { path: 'out/a', problem: 'ENOSPC' }, { cause, retry: 'backoff' });
  expect([error.cause, error.retry, error.code]).toEqual([cause, 'backoff', 'E1502']);
  expect(new ExternalError('E1501', { path: 'a', problem: 'b' }).retry).toBe('never');
});

it('finds the name that was meant, and none when nothing is near', () => {
  const names = ['scheduled', 'origin', 'destination', 'delayMinutes'];
  expect(didYouMean('delay', names)).toBe('delayMinutes');
  expect(didYouMean('orgin', names)).toBe('origin');
  expect(didYouMean('Origin', names)).toBe('origin');
  expect(didYouMean('price', names)).toBeUndefined();
});

it('fails assertions as bugs of our own', () => {
  expect(() => assert(false, 'epoch 3')).toThrow(InternalError);
  expect(() => assert(true, 'fine')).not.toThrow();
  // A value that the compiler has ruled out.
  expect(() => assertNever({ kind: 'other' } as never)).toThrow('{"kind":"other"}');
});
