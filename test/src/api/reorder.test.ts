import { describe, expect, it } from 'vitest';
import { run } from '../../../node/run.ts';
import { explainPhysical } from '../../../src/plan/explain-physical.ts';
import { physicalPlanOf } from '../../../src/api/deploy.ts';
import {
  boundedOutOfOrderness,
  collect,
  collection,
  count,
  eventTime,
  from,
  int32,
  int64,
  type Job,
  job,
  schema,
  timestamp,
  tumbling,
  utf8,
} from '../../../src/index.ts';
import { mistakeOf } from './stand-ins.ts';

const Step = schema({ at: timestamp(), device: utf8(), seq: int32(), code: int32().nullable() });
const BEGIN = eventTime('2001-01-01T00:00Z');
const step = (seconds: number, device: string, seq: number) => ({ at: BEGIN.plus(`${seconds} s`), device, seq });
const untimed = from(
  collection(Step, [
    step(0, 'a', 1),
    step(3, 'a', 4),
    step(1, 'a', 2),
    step(4, 'a', 5),
    step(1, 'b', 1),
    step(30, 'a', 6),
    step(2, 'a', 3),
    step(31, 'a', 6),
    step(32, 'a', 5000),
  ]),
);
const steps = untimed.watermark('at', boundedOutOfOrderness('1 s'));
const asked = { seq: 'seq', first: 1, maxWait: '10 s', maxAhead: 100 } as const;

async function finish(made: Job): Promise<void> {
  const running = await run(made, { handleSignals: false });
  expect(await running.done).toBe('finished');
}

describe('rows of each key in order', () => {
  it('come out by number, with gaps, extremes and the audit beside them', async () => {
    const [rows, gaps, extremes, audit] = [collect(Step), collect(), collect(), collect()];
    const ordered = steps.keyBy('device').reorder({ ...asked, audit: true });
    await finish(
      job('steps', ordered.to(rows), ordered.gaps.to(gaps), ordered.extremes.to(extremes), ordered.audit.to(audit)),
    );
    expect(rows.rows.map(({ device, seq }) => `${device}${seq}`)).toEqual(['a1', 'a2', 'b1', 'a4', 'a5', 'a6']);
    expect(gaps.rows).toEqual([
      { device: 'a', from: 3, to: 3, since: BEGIN.plus('3 s'), givenUpAt: BEGIN.plus('13 s'), reason: 'maxWait' },
    ]);
    expect(extremes.rows.map(({ seq, reason }) => `${String(seq)} ${String(reason)}`)).toEqual([
      '3 after its gap',
      '6 duplicate',
      '5000 too far ahead',
    ]);
    expect(audit.rows.map(({ device, number }) => `${String(device)}${String(number)}`)).toEqual([
      'a1',
      'a2',
      'b1',
      'a3',
      'a4',
      'a5',
    ]);
    expect(new Set(audit.rows.map(({ hash }) => hash)).size).toBe(6);
  });

  it('come out by event time when they have no numbers', async () => {
    const rows = collect(Step);
    const extremes = collect();
    const ordered = steps.keyBy('device').reorder({ maxWait: '10 s' });
    await finish(job('steps', ordered.to(rows), ordered.extremes.to(extremes)));
    const times = rows.rows.filter(({ device }) => device === 'a').map(({ at }) => (at.epochMs - BEGIN.epochMs) / 1000);
    expect(times).toEqual([0, 1, 3, 4, 30, 31, 32]);
    expect(extremes.rows.map(({ seq, reason }) => `${String(seq)} ${String(reason)}`)).toEqual(['3 too late']);
  });

  it('are in time for windows below, however long they waited', async () => {
    const counts = collect();
    const late = collect();
    const ordered = steps.keyBy('device').reorder(asked);
    const windows = ordered.keyBy('device').window(tumbling('1 s')).aggregate({ n: count() });
    await finish(job('steps', windows.to(counts), windows.late.to(late)));
    expect(counts.rows.length).toBe(6);
    expect(late.rows).toEqual([]);
  });

  it('are dead letters when their numbers are beyond what a number holds', async () => {
    const Big = schema({ at: timestamp(), device: utf8(), seq: int64().asBigInt() });
    const big = from(
      collection(Big, [
        { at: BEGIN, device: 'a', seq: 2n ** 53n },
        { at: BEGIN, device: 'a', seq: 2n ** 53n - 1n },
      ]),
    ).watermark('at', boundedOutOfOrderness('1 s'));
    const rows = collect(Big);
    await finish(big.keyBy('device').reorder({ seq: 'seq', maxWait: '1 s' }).to(rows));
    expect(rows.rows.map(({ seq }) => seq)).toEqual([2n ** 53n - 1n]);
  });
});

it('is explained with what it waits for', () => {
  const ordered = steps.keyBy('device').reorder({ ...asked, onGap: 'fail', audit: true, uid: 'order' });
  const made = job('steps', ordered.to(collect()), ordered.extremes.to(collect()));
  const told = 'by device, in order of seq from 1, waiting 10 s, at most 10000 rows and 100 ahead; gaps fail; audited';
  expect(made.explain()).toContain(`reorder [order] ${told}`);
  const physical = explainPhysical(physicalPlanOf(made, 'steps'));
  expect(physical).toContain(told);
  expect(physical).toContain('.extremes');
});

describe('mistakes in reorder', () => {
  interface Loose {
    reorder(options: unknown): unknown;
  }
  // As a user of JavaScript sees it.
  const loose = (stream: unknown): Loose => stream as Loose;

  it.each([
    [{ seq: 'seq' }, "E1006 maxWait of reorder must be a duration such as '10 s', but is undefined"],
    [{ maxWait: '0 s' }, "E1003 maxWait of reorder must be greater than zero, but is '0 s'"],
    [
      { ...asked, seq: 'sq' },
      "E1203 unknown column 'sq' in reorder | the input has: at, device, seq, code. Did you mean 'seq'?",
    ],
    [{ ...asked, seq: 'code' }, "E1204 column 'code' is int32, nullable, but reorder needs an integer, never null"],
    [{ ...asked, onGap: 'wait' }, "E1006 onGap of reorder must be 'emit' or 'fail', but is 'wait'"],
    [{ ...asked, maxRows: 0 }, 'E1006 maxRows of reorder must be a whole number above zero, but is 0'],
    [{ ...asked, first: 1.5 }, 'E1006 first of reorder must be a whole number, but is 1.5'],
    [
      { ...asked, forgetAfter: '10 s' },
      "E1006 forgetAfter of reorder must be longer than maxWait, '10 s', but is '10 s'",
    ],
    [{ ...asked, audit: 'yes' }, "E1006 audit of reorder must be true or false, but is 'yes'"],
    [
      { ...asked, wait: '1 s' },
      "E1009 unknown option 'wait' of reorder | it takes: seq, maxWait, first, maxRows, maxAhead, onGap, audit, forgetAfter, uid. "
        + "Did you mean 'maxWait'?",
    ],
    [{ maxWait: '1 s', first: 1 }, 'E1006 first of reorder must be left out when there is no seq, but is 1'],
  ])('are told: %o', (options, message) => {
    expect(mistakeOf(() => loose(steps.keyBy('device')).reorder(options))).toBe(message);
  });

  it('are told of streams and columns', () => {
    expect(mistakeOf(() => loose(untimed.keyBy('device')).reorder(asked))).toBe(
      'E1205 reorder needs event time, but no watermark comes before it | call .watermark(column, strategy) before',
    );
    const twice = loose(steps.keyBy('device').deduplicate({ keep: 'last', order: 'arrival' }).keyBy('device'));
    expect(mistakeOf(() => twice.reorder(asked))).toBe('E1211 reorder cannot read results that update and delete rows');
    const clash = loose(steps.add((f) => ({ reason: f.device })).keyBy('device'));
    expect(mistakeOf(() => clash.reorder(asked))).toBe(
      "E1207 'reason' in extremes of reorder is already a column of the result",
    );
  });
});
