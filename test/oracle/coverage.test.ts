import { describe, expect, it } from 'vitest';
import { pairwiseCoverage } from './coverage.ts';

const DIMENSIONS = { size: ['small', 'large'], keys: ['none', 'one'], late: ['no', 'yes'] };

describe('the coverage table', () => {
  it('counts values with the first seeds that had them', () => {
    const coverage = pairwiseCoverage(DIMENSIONS);
    for (const seed of [7, 8, 9, 10]) coverage.add(seed, { size: 'small', keys: 'none', late: 'no' });
    expect(coverage.cases).toBe(4);
    expect(coverage.table()).toMatch(/^4 cases, 3 of 12 pairs\n/);
    expect(coverage.table()).toMatch(/size=small +4 {2}seeds 7, 8, 9\n/);
    expect(coverage.table()).toMatch(/size=large +0 {2}seeds none\n/);
  });

  it('names the pairs that never met', () => {
    const coverage = pairwiseCoverage({ a: ['1', '2'], b: ['x', 'y'] });
    coverage.add(1, { a: '1', b: 'x' });
    coverage.add(2, { a: '2', b: 'y' });
    expect(coverage.missingPairs()).toEqual(['a=1 x b=y', 'a=2 x b=x']);
    coverage.add(3, { a: '1', b: 'y' });
    coverage.add(4, { a: '2', b: 'x' });
    expect(coverage.missingPairs()).toEqual([]);
  });

  it('names the pairs that met in too few cases, and tells of the rarest', () => {
    const coverage = pairwiseCoverage({ a: ['1'], b: ['x', 'y'] });
    for (const seed of [1, 2, 3]) coverage.add(seed, { a: '1', b: 'x' });
    for (const seed of [4, 5]) coverage.add(seed, { a: '1', b: 'y' });
    expect(coverage.missingPairs(3)).toEqual(['a=1 x b=y']);
    expect(coverage.missingPairs(2)).toEqual([]);
    expect(coverage.table()).toContain('rarest pair: a=1 x b=y, 2 times\n');
  });

  it('does not ask for pairs that cannot be', () => {
    const coverage = pairwiseCoverage(
      { a: ['1', '2'], b: ['x', 'y'] },
      (pair) => !(pair['a'] === '1' && pair['b'] === 'y'),
    );
    expect(coverage.missingPairs()).toEqual(['a=1 x b=x', 'a=2 x b=x', 'a=2 x b=y']);
  });

  it('refuses cases that name other dimensions or values', () => {
    const coverage = pairwiseCoverage(DIMENSIONS);
    expect(() => coverage.add(1, { size: 'small', keys: 'none' })).toThrow('late');
    expect(() => coverage.add(1, { size: 'small', keys: 'none', late: 'no', more: 'x' })).toThrow('more');
    expect(() => coverage.add(1, { size: 'huge', keys: 'none', late: 'no' })).toThrow(
      'size=huge is not declared (seed 1)',
    );
  });
});
