import { expect, it } from 'vitest';
import { describe as shown, isRecord, mistake, nothingGiven } from '../../../src/base/mistake.ts';

it('shows a value as a person would write it, and of what is large only what it is', () => {
  const values = ['4', 4, 4n, true, null, undefined, Number.NaN, [4], { four: 4 }, () => 4, shown];
  const said = ["'4'", '4', '4n', 'true', 'null', 'undefined', 'NaN', 'an array', 'an object', 'a function'];
  expect(values.map(shown)).toEqual([...said, 'the function describe']);
});

it('knows a record from an array and from nothing', () => {
  expect([{}, { a: 1 }, [], null, undefined, 'a', 1].filter(isRecord)).toEqual([{}, { a: 1 }]);
});

it('says what is wrong, with a hint where there is one', () => {
  const error = mistake('the limit', 'a number', '4', 'leave the quotes away');
  expect(error).toMatchObject({ code: 'E1006', hint: 'leave the quotes away' });
  expect(error.message).toContain("the limit must be a number, but is '4'");
  expect(nothingGiven('union', 'stream').message).toContain('union must be given at least one stream');
});
