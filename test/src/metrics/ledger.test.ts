import { describe, expect, test } from 'vitest';
import { checkLedger, emptyLedger, imbalance, TERMS } from '../../../src/metrics/ledger.ts';

describe('a ledger entry', () => {
  test('balances when every record that came in or was made is somewhere', () => {
    const entry = {
      ...emptyLedger(),
      in: 10,
      expanded: 5,
      out: 4,
      filtered: 1,
      late: 2,
      deadLetters: 1,
      released: 3,
      held: 4,
      results: 99,
    };
    expect(imbalance(entry)).toBe(0);
    expect(() => checkLedger('sum', entry)).not.toThrow();
  });

  test('does not balance when any one term but the results is off by one', () => {
    for (const term of TERMS) {
      const off = imbalance({ ...emptyLedger(), [term]: 1 });
      expect(off, term).toBe(term === 'results' ? 0 : term === 'in' || term === 'expanded' ? 1 : -1);
    }
  });

  test('that does not balance fails with the operator and every term', () => {
    expect(() => checkLedger('sum', { ...emptyLedger(), in: 3, out: 2 })).toThrow(
      'the ledger of sum is off by 1: in 3, out 2, filtered 0, late 0, future 0, deadLetters 0, expanded 0, released 0, held 0, results 0',
    );
  });
});
