import { expect, it } from 'vitest';
import type { TableSchema } from '../../src/data/schema.ts';
import { WindowAggregate } from '../../src/runtime/operators/window-aggregate.ts';
import type { WindowAggregateNode } from '../../src/plan/logical.ts';
import type { ConformanceCase, Step } from './case.ts';
import { conduct } from './conduct.ts';
import { Harness } from './harness.ts';

const input: TableSchema = {
  fields: [
    { name: 'key', type: { kind: 'utf8', nullable: false } },
    { name: 'value', type: { kind: 'int64', nullable: false } },
  ],
};
const timestamp = { kind: 'timestamp', nullable: false } as const;
const node: WindowAggregateNode = {
  kind: 'windowAggregate',
  uid: 'w',
  input: { kind: 'union', schema: input, inputs: [] },
  schema: {
    fields: [
      { name: 'key', type: { kind: 'utf8', nullable: false } },
      { name: 'windowStart', type: timestamp },
      { name: 'windowEnd', type: timestamp },
      { name: 'sum', type: { kind: 'int64', nullable: false } },
    ],
  },
  keys: ['key'],
  window: { kind: 'tumbling', clock: 'event time', sizeMs: 10, offsetMs: 0, zone: undefined, calendar: undefined },
  aggregates: [{ name: 'sum', fn: 'sum', column: 'value', where: undefined }],
  allowedLatenessMs: 0,
  results: 'accumulating',
};

const open = (): Promise<Harness> =>
  Harness.open({
    kind: 'window',
    inputs: [input],
    ports: ['main', 'late'],
    make: ({ kernels, arena, outputs: [output, late], deadLetter }) => {
      if (output === undefined || late === undefined) throw new TypeError('two outputs');
      return new WindowAggregate({ uid: 'w', kernels, arena, output, late, node, deadLetter });
    },
  });

const steps: readonly Step[] = [
  { element: ['a', 1], timestamp: 3 },
  { element: ['b', 5], timestamp: 4 },
  { snapshotRestore: true },
  { element: ['a', 2], timestamp: 9 },
  { watermark: 9 },
  { element: ['a', 4], timestamp: 8 },
  { expect: [{ element: ['b', 0, 10, 5] }, { element: ['a', 0, 10, 3], timestamp: 9 }, { watermark: 9 }] },
  { late: [{ element: ['a', 4], timestamp: 8 }] },
  { metric: { lateRecordsDropped: 1 } },
];
const caseOf = (of: readonly Step[]): ConformanceCase => ({ id: 'x', kind: 'window', operator: {}, steps: of });

it('drives a real operator through a restart from its snapshot', async () => {
  expect(await conduct(caseOf(steps), await open())).toEqual({ result: 'pass' });
});

it('names the step at which something else came out', async () => {
  const wrong = steps.map((step) => ('expect' in step ? { expect: [{ watermark: 9 }] } : step));
  expect(await conduct(caseOf(wrong), await open())).toMatchObject({ result: 'fail', step: 6 });
});
