/** What a physical plan asks of its sources. */
import { expect, it } from 'vitest';
import { count, from, int32, job, monotonous, schema, timestamp, tumbling, utf8 } from '../../../src/index.ts';
import { physicalPlanOf } from '../../../src/platform.ts';
import { sink, source } from '../api/stand-ins.ts';

const Row = schema({ at: timestamp(), key: utf8(), n: int32(), note: utf8() });
const hours = from(source('rows', Row))
  .watermark('at', monotonous())
  .keyBy('key')
  .window(tumbling('1 hour'))
  .aggregate({ n: count() });

/** Columns that the first node, the source, has to make. */
const made = (plan: ReturnType<typeof physicalPlanOf>): string[] => [...(plan.nodes[0]?.columns ?? [])].sort();

it('leaves out columns that nothing reads', () => {
  expect(made(physicalPlanOf(job(hours.to(sink('out'))), 'test'))).toEqual(['at', 'key']);
});

it('makes every column of rows that go out as late rows', () => {
  const both = job(hours.to(sink('out')), hours.late.to(sink('late')));
  expect(made(physicalPlanOf(both, 'test'))).toEqual(['at', 'key', 'n', 'note']);
});
