/** The generated cases: reproducible, honest about their bytes, and covering what they claim to cover. */
import { describe, expect, it } from 'vitest';
import { evaluate } from './batch-engine.ts';
import { pairwiseCoverage } from './coverage.ts';
import { DIMENSIONS, generateCase, isPossiblePair } from './generate.ts';

const CASES = 600;

describe('generated cases', () => {
  it('are the same for the same seed, and others for another', () => {
    expect(generateCase(42)).toEqual(generateCase(42));
    expect(generateCase(42).written).not.toEqual(generateCase(43).written);
  });

  it('have bytes whose lines start where their splits say and hold the rows', () => {
    for (let seed = 0; seed < 40; seed++) {
      const { splits, written } = generateCase(seed);
      splits.forEach(({ rows }, s) => {
        const bytes = written[s]?.bytes ?? new Uint8Array();
        rows.forEach(({ row, offset }, i) => {
          const line = new TextDecoder().decode(bytes.subarray(offset, rows[i + 1]?.offset ?? bytes.length));
          const parsed = JSON.parse(line) as Partial<Record<string, unknown>>; // the writer's own objects
          expect([parsed['at'], parsed['name'] ?? null, parsed['level'] ?? null], `seed ${seed}`).toEqual([
            row['at'],
            row['name'],
            row['level'],
          ]);
        });
      });
    }
  });

  it('cover every value and every pair of values, late rows, all filters and several turns', () => {
    const coverage = pairwiseCoverage(DIMENSIONS, isPossiblePair);
    const seen = { late: 0, filtered: 0, outside: 0, windows: 0, longSplits: 0 };
    for (let seed = 0; seed < CASES; seed++) {
      const { choice, splits, written, query } = generateCase(seed);
      coverage.add(seed, choice);
      const { ledger, windows } = evaluate(splits, query);
      expect(ledger.in, `seed ${seed}`).toBe(ledger.filtered + ledger.late + ledger.outside + ledger.windowed);
      seen.late += ledger.late;
      seen.filtered += ledger.filtered;
      seen.outside += ledger.outside;
      seen.windows += windows.length;
      seen.longSplits += written.filter(({ bytes }) => bytes.length > 2 * 262_144).length;
    }
    expect(coverage.missingPairs(), coverage.table()).toEqual([]);
    for (const [what, count] of Object.entries(seen)) expect(count, what).toBeGreaterThan(CASES / 10);
  });
});
