/** Uids stay what they are while the rest of a job changes, since state is found by them. */
import { describe, expect, it } from 'vitest';
import {
  count,
  from,
  int32,
  type Job,
  job,
  max,
  monotonous,
  schema,
  timestamp,
  tumbling,
  utf8,
} from '../../../src/index.ts';
import { assignUids, planOf } from '../../../src/platform.ts';
import { sink, source } from '../api/stand-ins.ts';

const Row = schema({ at: timestamp(), key: utf8(), n: int32() });
const stream = (label: string, uid?: string) =>
  from(source(label, Row), uid === undefined ? {} : { uid }).watermark('at', monotonous());
const hourly = (label: string) => stream(label).keyBy('key').window(tumbling('1 hour')).aggregate({ n: count() });

/** 'kind of node, label or uid of what it reads' -> uid, for all nodes. */
const uidsOf = (made: Job): readonly string[] => [...assignUids(planOf(made, 'test')).values()];
const uidOfWindow = (made: Job, ordinal = 0): string =>
  uidsOf(made).filter((uid) => uid.startsWith('windowAggregate'))[ordinal] ?? 'none';

describe('a derived uid', () => {
  it('is the same in every plan of the same job, in every version', () => {
    expect(uidsOf(hourly('a').to(sink('out')))).toEqual(uidsOf(hourly('a').to(sink('out'))));
    expect(uidsOf(hourly('a').to(sink('out')))).toEqual([
      'source-f765126c9204',
      'watermark-fe42b1d14680',
      'windowAggregate-69e1f238f357',
      'sink-29ee24791f12',
    ]);
  });

  it('does not change when other branches come, go or move', () => {
    const [a, b, c] = [hourly('a').to(sink('x')), hourly('b').to(sink('y')), stream('c').to(sink('z'))];
    const alone = new Set([...uidsOf(a), ...uidsOf(b), ...uidsOf(c)]);
    for (const order of [
      [a, b, c],
      [c, b, a],
      [b, a, c],
    ] as const) {
      expect(new Set(uidsOf(job(...order)))).toEqual(alone);
    }
  });

  it('does not change when another output reads the same rows', () => {
    const shared = hourly('a');
    const one = uidsOf(shared.to(sink('x')));
    expect(
      uidsOf(job(shared.to(sink('x')), shared.late.to(sink('y')), shared.where((f) => f.n.gt(3)).to(sink('z')))).slice(
        0,
        4,
      ),
    ).toEqual(one);
  });

  it('changes with what the node does', () => {
    const keyed = stream('a').keyBy('key');
    const variants = [
      keyed.window(tumbling('1 hour')).aggregate({ n: count() }),
      keyed.window(tumbling('2 hours')).aggregate({ n: count() }),
      keyed.window(tumbling('1 hour', { offset: '1 minute' })).aggregate({ n: count() }),
      keyed.window(tumbling('1 hour')).aggregate({ m: count() }),
      keyed.window(tumbling('1 hour')).aggregate({ n: max('n') }),
      keyed.window(tumbling('1 hour')).aggregate({ n: count({ where: (f) => f.n.gt(1) }) }),
      stream('a').window(tumbling('1 hour')).aggregate({ n: count() }),
      stream('b').keyBy('key').window(tumbling('1 hour')).aggregate({ n: count() }),
      stream('a')
        .where((f) => f.n.gt(1))
        .keyBy('key')
        .window(tumbling('1 hour'))
        .aggregate({ n: count() }),
    ];
    expect(new Set(variants.map((variant) => uidOfWindow(variant.to(sink('out'))))).size).toBe(variants.length);
  });

  it('below an explicit one does not depend on what is above that', () => {
    const below = (label: string): string =>
      uidOfWindow(
        stream(label, 'input').keyBy('key').window(tumbling('1 hour')).aggregate({ n: count() }).to(sink('out')),
      );
    expect(below('a.ndjson')).toBe(below('b.ndjson'));
  });

  it('does not depend on the order of the sides of a union', () => {
    const [a, b] = [stream('a'), stream('b')];
    const windowOf = (left: typeof a, right: typeof a): string =>
      uidOfWindow(left.union(right).window(tumbling('1 hour')).aggregate({ n: count() }).to(sink('out')));
    expect(windowOf(a, b)).toBe(windowOf(b, a));
  });
});

describe('equal nodes', () => {
  it('have uids of their own', () => {
    const made = job(hourly('a').to(sink('x')), hourly('a').to(sink('x')));
    expect(new Set(uidsOf(made)).size).toBe(8);
  });

  it('are told apart by what reads them, whatever their order', () => {
    const [x, y] = [hourly('a').to(sink('x')), hourly('a').to(sink('y'))];
    const windowBefore = (made: Job, label: string): string | undefined => {
      const plan = planOf(made, 'test');
      const uids = assignUids(plan);
      const found = plan.sinks.find((node) => node.label === label);
      return found === undefined ? undefined : uids.get(found.input);
    };
    expect(windowBefore(job(x, y), 'x')).toBe(windowBefore(job(y, x), 'x'));
    expect(windowBefore(job(x, y), 'y')).toBe(windowBefore(job(y, x), 'y'));
    expect(windowBefore(job(x, y), 'x')).not.toBe(windowBefore(job(x, y), 'y'));
  });

  it('leave a uid alone that the user took', () => {
    const taken = uidOfWindow(hourly('a').to(sink('x')));
    const explicit = stream('b').window(tumbling('1 hour')).aggregate({ n: count() }, { uid: taken });
    const made = job(hourly('a').to(sink('x')), explicit.to(sink('y')));
    expect(
      uidsOf(made)
        .filter((uid) => uid.startsWith(taken))
        .sort(),
    ).toEqual([taken, `${taken}-2`]);
  });
});
