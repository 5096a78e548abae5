/** Which parts a plan needs, that both ways to bring them bring the same, and which edition of the kernels it runs on. */
import { describe, expect, it } from 'vitest';
import {
  adaptive,
  approxCountDistinct,
  avg,
  count,
  hopping,
  int32,
  type Job,
  job,
  max,
  monotonous,
  reduce,
  schema,
  session,
  tumbling,
} from '../../../../src/index.ts';
import { coreKernelsRun, everyPart, partsOnDemand, physicalPlanOf } from '../../../../src/platform.ts';
import { partsOf } from '../../../../src/runtime/makers/parts.ts';
import { changelogSink, raw, sink } from '../../api/stand-ins.ts';

const timed = raw.watermark('scheduled', monotonous());
const keyed = timed.keyBy('origin');
const minutes = schema({ minutes: int32() });
const hour = tumbling('1 hour');

/** Jobs by the parts that they need. */
const JOBS: readonly {
  readonly what: string;
  readonly job: Job;
  readonly parts: readonly string[];
  readonly core: boolean;
}[] = [
  {
    what: 'tumbling windows',
    job: keyed
      .window(hour)
      .aggregate({ n: count(), worst: max('delayMinutes'), mean: avg('delayMinutes') })
      .to(sink('a')),
    parts: [],
    core: true,
  },
  {
    what: 'windows that wait for late rows',
    job: keyed.window(hour, { allowedLateness: '1 hour' }).aggregate({ n: count() }).to(sink('a')),
    parts: [],
    core: false,
  },
  {
    what: 'windows that fire once, late',
    job: keyed.window(hour, { allowedLateness: '1 hour', results: 'final' }).aggregate({ n: count() }).to(sink('a')),
    parts: [],
    core: true,
  },
  {
    what: 'hopping windows',
    job: keyed.window(hopping('1 hour', '10 minutes')).aggregate({ n: count() }).to(sink('a')),
    parts: [],
    core: false,
  },
  {
    what: 'sketches',
    job: keyed
      .window(hour)
      .aggregate({ n: approxCountDistinct('destination') })
      .to(sink('a')),
    parts: [],
    core: false,
  },
  {
    what: 'text as a value',
    job: keyed
      .window(hour)
      .aggregate({ n: max('destination') })
      .to(sink('a')),
    parts: [],
    core: false,
  },
  {
    what: 'adaptive watermarks',
    job: raw
      .watermark('scheduled', adaptive({ lateRate: 0.01, max: '1 hour' }))
      .window(hour)
      .aggregate({ n: count() })
      .to(sink('a')),
    parts: [],
    core: false,
  },
  {
    what: 'conditions of aggregates',
    job: keyed
      .window(hour)
      .aggregate({ n: count({ where: (f) => f.delayMinutes.gt(5) }) })
      .to(sink('a')),
    parts: ['expressions'],
    core: false,
  },
  {
    what: 'a filter',
    job: timed.where((f) => f.delayMinutes.gt(5)).to(sink('a')),
    parts: ['expressions'],
    core: false,
  },
  {
    what: 'a function, and a changelog',
    job: raw
      .map((row) => ({ minutes: row.delayMinutes }), { out: minutes, uid: 'm' })
      .aggregate({ n: count() })
      .to(changelogSink('a')),
    parts: ['changelogs', 'functions'],
    core: false,
  },
  {
    what: 'sessions',
    job: keyed.window(session('1 hour')).aggregate({ n: count() }).to(sink('a')),
    parts: ['sessionWindows'],
    core: false,
  },
  {
    what: 'aggregates that users define',
    job: keyed
      .window(hour)
      .aggregate({ longest: reduce('delayMinutes', Math.max) })
      .to(sink('a')),
    parts: ['definedAggregates', 'generalWindows'],
    core: false,
  },
  {
    what: 'a union and deduplication',
    job: timed
      .union(timed)
      .keyBy('origin')
      .deduplicate({ keep: 'first', within: '1 hour', order: 'event time' })
      .to(sink('a')),
    parts: ['rowOrder', 'unions'],
    core: false,
  },
];

describe('the parts of the engine', () => {
  for (const { what, job: made, parts, core } of JOBS) {
    it(`that ${what} need are ${parts.join(' and ') || 'none'}`, async () => {
      const plan = physicalPlanOf(job('parts', made), 'parts');
      expect([...partsOf(plan)].sort()).toEqual(parts);
      expect(coreKernelsRun(plan)).toBe(core);
      expect(Object.keys(await partsOnDemand(partsOf(plan))).sort()).toEqual(parts);
    });
  }

  it('are the same whether brought on demand or all at once', async () => {
    const all = await everyPart(new Set());
    const names = Object.keys(all) as (keyof typeof all)[];
    const onDemand = await partsOnDemand(new Set(names));
    for (const name of names) expect({ ...onDemand[name] }, name).toEqual({ ...all[name] });
  });
});
