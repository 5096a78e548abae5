import { expect, test } from 'vitest';
import { DEFAULT_SETTINGS, type RunSettings, settingsOf } from '../../../src/platform.ts';
import { mistakeOf } from './stand-ins.ts';

/** As JavaScript gives them: nothing is known of the values. */
const given = (options: unknown) => settingsOf(options as RunSettings, ['chunk']);

test('are the usual ones where nothing is asked for, and what is asked for otherwise', () => {
  expect(given({})).toEqual(DEFAULT_SETTINGS);
  expect(given({ retained: undefined, name: undefined, chunk: 7 })).toEqual(DEFAULT_SETTINGS);
  const all = { checkpointEvery: '1 s', memory: '3.5 GB', retained: 1, batchRows: 1, lag: 'off', stateAlert: 'off' };
  expect(given({ ...all, name: 'a', state: 'b' })).toEqual({
    ...DEFAULT_SETTINGS,
    checkpointEveryMs: 1000,
    stateBytes: 3.5 * 1024 ** 3,
    retained: 1,
    batchRows: 1,
    lag: 'off',
    stateAlertMs: undefined,
  });
});

const whole = (what: string, most: number, got: unknown): string =>
  `E1006 ${what} must be a whole number from 1 to ${most}, but is ${String(got)}`;

test.each<readonly [unknown, string]>([
  ...[0, -1, 1.5, Number.NaN, Number.POSITIVE_INFINITY, null, 1_000_001].map(
    (n) => [{ retained: n }, whole('retained', 1_000_000, n)] as const,
  ),
  ...[0, -1, 1.5, Number.NaN, 4097].map((n) => [{ batchRows: n }, whole('batchRows', 4096, n)] as const),
  [{ retained: '2' }, "E1006 retained must be a whole number from 1 to 1000000, but is '2'"],
  [{ memory: '4 GB' }, "E1006 memory must be at most 3.5 GB, but is '4 GB'"],
  [{ memory: '-1 MB' }, "E1003 memory must be greater than zero, but is '-1 MB'"],
  [{ memory: '0 MB' }, "E1003 memory must be greater than zero, but is '0 MB'"],
  [{ memory: 256 }, "E1002 '256' is not a size for memory; write a number, a space and a unit, such as '256 MB'"],
  [{ checkpointEvery: '-1 s' }, "E1003 checkpointEvery must be greater than zero, but is '-1 s'"],
  [{ checkpointEvery: '0.1 ms' }, "E1003 checkpointEvery must be greater than zero, but is '0.1 ms'"],
  [
    { checkpointEvery: Number.NaN },
    "E1001 'NaN' is not a duration for checkpointEvery; write a number, a space and a unit, such as '10 s' or '1 hour'",
  ],
  [{ stateAlert: '0 s' }, "E1003 stateAlert must be greater than zero, but is '0 s'"],
  [{ lag: 'none' }, "E1006 lag must be 'endToEnd', 'processing' or 'off', but is 'none'"],
  [{ name: '' }, "E1006 name and state of run must be text, but is ''"],
  [{ state: 7 }, 'E1006 name and state of run must be text, but is 7'],
  [null, 'E1006 the options of run must be an object, but is null'],
  [
    { retain: 3 },
    "E1009 unknown option 'retain' of run | it takes: checkpointEvery, memory, retained, batchRows, lag, stateAlert, name, state, chunk. Did you mean 'retained'?",
  ],
])('that cannot be meant are refused: %o', (options, message) => {
  expect(mistakeOf(() => given(options))).toBe(message);
});
