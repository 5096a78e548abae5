import { describe, expect, test } from 'vitest';
import { Physical } from '../../../src/data/types.ts';
import { AggregatePlan, PLAN } from '../../../src/kernel/aggregate-plan.ts';
import { Arena } from '../../../src/kernel/arena.ts';
import { specOf } from '../../support/aggregate-specs.ts';
import { newKernels } from '../../support/kernels.ts';

const count = specOf({ name: 'n', fn: 'count', input: undefined, nullable: false });
const total = specOf({ name: 'total', fn: 'sum', input: Physical.I64, nullable: true });

describe('the plan of an aggregation', () => {
  test('owns a column for the key and for each result, with a validity bitmap where a result may be null', async () => {
    const kernels = await newKernels();
    const plan = new AggregatePlan(kernels, { state: 1, key: Physical.I64, aggregates: [count, total] }, 16);
    expect(plan.key?.values).not.toBe(0);
    expect(plan.results.map(({ validity }) => validity !== 0)).toEqual([count.result.nullable, total.result.nullable]);
    const places = [plan.key?.values, ...plan.results.map(({ values }) => values)];
    expect(new Set(places).size).toBe(3);
    expect(new AggregatePlan(kernels, { state: 1, key: undefined, aggregates: [] }, 16).key).toBeUndefined();
  });

  test('tells the kernels which rows, which key and which columns they are given', async () => {
    const kernels = await newKernels();
    const plan = new AggregatePlan(kernels, { state: 1, key: Physical.I64, aggregates: [count, total] }, 16);
    const input = {
      selected: 3,
      selection: 640,
      key: { values: 1280, validity: 0 },
      columns: [undefined, { values: 64, validity: 128 }],
      filters: [0, 192],
    };
    plan.setInput(input);
    expect([plan.word(PLAN.rows), plan.word(PLAN.selection), plan.word(PLAN.keyColumn + 4)]).toEqual([3, 640, 1280]);
    plan.setInput({ ...input, selection: 0, key: undefined });
    expect([plan.word(PLAN.selection), plan.word(PLAN.keyColumn + 4)]).toEqual([0, 0]);
  });

  test('names the aggregate whose sum did not fit', async () => {
    const plan = new AggregatePlan(await newKernels(), { state: 1, key: undefined, aggregates: [count, total] }, 16);
    plan.set(PLAN.failed, 1);
    expect(plan.failedName()).toBe('total');
  });

  test('refuses a state that was laid out for other aggregates', async () => {
    const kernels = await newKernels();
    new Arena(kernels, 8 << 20);
    const open = (aggregates: readonly (typeof count)[]): void =>
      new AggregatePlan(kernels, { state: 1, key: Physical.I64, aggregates }, 16).init();
    open([count, total]);
    expect(() => open([count, total])).not.toThrow();
    expect(() => open([total, total, count])).toThrow('state 1 has another layout');
  });
});
