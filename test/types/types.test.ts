/** What the compiler accepts and refuses of programs against the surface, with the messages that users read. */
import { describe, expect, it } from 'vitest';
import { casesIn, messagesOf } from './compile.ts';

describe('the compiler', () => {
  const accepted = casesIn('accepted.txt');
  const refused = casesIn('refused.txt');
  const messages = messagesOf([...accepted, ...refused]);

  it('has cases enough to mean something', () => {
    expect(accepted.length).toBeGreaterThanOrEqual(25);
    expect(refused.length).toBeGreaterThanOrEqual(60);
  });

  it.each(accepted.map(({ title }, index) => [title, index] as const))('accepts: %s', (_title, index) => {
    expect(messages[index]).toEqual([]);
  });

  it.each(refused.map(({ title, expected }, index) => [title, expected, index] as const))('refuses: %s', (_title, expected, index) => {
    expect(messages[accepted.length + index]?.[0]).toContain(expected ?? 'a case of refused.txt without its => line');
  });
});
