/**
 * How every row of the lab is tested: off reproduces the incident, on does not have it, on several tapes; and an oracle
 * that reads the record by itself finds the same figures.
 */
import { expect, it } from 'vitest';
import { describeBound, holds, type Pattern, type Scenario } from '../../src/lab/index.ts';

export interface LabTest<Record> {
  readonly seeds: readonly number[];
  /** The figures by a slow and obviously correct way that shares no code with the scenario. Those it leaves out are not compared. */
  oracle(record: Record, pattern: Pattern): { readonly [figure: string]: number };
}

export function labTest<Record>(scenario: Scenario<Record>, { seeds, oracle }: LabTest<Record>): void {
  for (const pattern of ['off', 'on'] as const) {
    it.each([...seeds])(`row ${scenario.row}, ${pattern}, seed %i`, async (seed) => {
      const record = await scenario.run(pattern, seed);
      const { figures, evidence } = scenario.measure(record);
      expect(evidence.length, 'evidence for people').toBeGreaterThan(0);
      const judged = oracle(record, pattern);
      for (const [name, value] of Object.entries(judged)) expect(figures[name], name).toBeCloseTo(value, 6);
      for (const { name, unit, means, off, on } of scenario.figures) {
        const value = figures[name] ?? Number.NaN;
        const bound = pattern === 'off' ? off : on;
        expect(holds(bound, value), `${means}: ${value} ${unit}, expected ${describeBound(bound)}`).toBe(true);
      }
    });
  }
}
