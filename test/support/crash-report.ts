/** What crash tests say of a job's output and of differences: short enough to read, with what repeats them. */
import type { Difference } from '../../src/testing/simulator.ts';
import { LINES_PER_FILE, type Output } from './crash-job.ts';

const lines = (text: string): readonly string[] => text.split('\n').filter((line) => line !== '');

/**
 * Whether the output can be all of the job's: every line is a dead letter, late, or in one or two of its windows. Says
 * what is wrong. The undisturbed run is compared with nothing else, so that it must not be empty or doubled itself.
 */
export function implausible({ windows, late, dead, left }: Output): string | undefined {
  const taken = 3 * LINES_PER_FILE - lines(late).length - lines(dead).length;
  // Written by the job's encoder.
  const counted = lines(windows).reduce((sum, line) => sum + (JSON.parse(line) as { rows: number }).rows, 0);
  if (lines(late).length < 3 || lines(dead).length < 2 || lines(windows).length < 20) return 'hardly any output';
  if (counted < taken || counted > 2 * taken) return `${taken} rows stand ${counted} times in windows`;
  return left.length > 0 ? `left behind: ${left.join(', ')}` : undefined;
}

/** The first differences, each in a line, and how many there are. */
export function textOf(differences: readonly Difference[]): string {
  const shown = differences
    .slice(0, 3)
    .map(
      ({ seed, point, label, kind, expected, actual }) =>
        `seed ${seed}, point ${point} (${label}): ${kind} ${firstDifference(expected, actual)}`,
    );
  return [...shown, ...(differences.length > 3 ? [`and ${differences.length - 3} more`] : [])].join('\n');
}

function firstDifference(expected: string, actual: string): string {
  let at = 0;
  while (at < expected.length && expected[at] === actual[at]) at++;
  const from = Math.max(0, at - 60);
  return `at ${at}: ${actual.slice(from, at + 120)} instead of ${expected.slice(from, at + 120)}`;
}
