/** Steps become nodes, and what the types refuse is refused at run time too, with the words users read. */
import { describe, expect, it } from 'vitest';
import {
  avg,
  boundedOutOfOrderness,
  type Columns,
  count,
  float64,
  from,
  hopping,
  int32,
  int64,
  job,
  lit,
  max,
  min,
  monotonous,
  schema,
  stddev,
  type Stream,
  sum,
  timestamp,
  tumbling,
  UserError,
  utf8,
  type Window,
} from '../../../src/index.ts';
import { describeSchema } from '../../../src/data/schema.ts';
import type { LogicalNode } from '../../../src/plan/logical.ts';
import { planOf, tableOf } from '../../../src/platform.ts';
import { changelogSink, Flight, mistakeOf, raw, sink, source, tableSink } from './stand-ins.ts';

const flights = raw.watermark('scheduled', boundedOutOfOrderness('30 minutes'));

/** The node whose rows a job's only sink takes. */
function nodeOf(made: ReturnType<typeof job>): LogicalNode {
  const [only] = planOf(made, 'test').sinks;
  if (only === undefined) throw new Error('a job without a sink');
  return only.input;
}
const columnsOf = (declared: { readonly schema: unknown }): string =>
  describeSchema(tableOf(declared.schema, 'a test'));

describe('columns', () => {
  it('of a window are keys, bounds and results', () => {
    const perHour = flights
      .keyBy('destination', 'origin')
      .window(tumbling('1 hour'))
      .aggregate({
        n: count(),
        late: count({ where: (f) => f.delayMinutes.gt(15) }),
        total: sum('delayMinutes'),
        mean: avg('delayMinutes'),
        worst: max('delayMinutes', { where: (f) => f.origin.eq('SFO') }),
        first: min('scheduled'),
        spread: stddev('delayMinutes'),
      });
    expect(columnsOf(perHour)).toBe(
      'destination utf8; origin utf8; windowStart timestamp; windowEnd timestamp; n int64; late int64; total int64; '
        + 'mean float64; worst int32, nullable; first timestamp; spread float64, nullable',
    );
    expect(columnsOf(perHour.late)).toBe(columnsOf(flights));
  });

  it('of a running aggregate are keys and results', () => {
    expect(columnsOf(raw.keyBy('origin').aggregate({ n: count() }))).toBe('origin utf8; n int64');
    expect(columnsOf(raw.aggregate({ n: count() }))).toBe('n int64');
  });

  it('follow select, add and pick', () => {
    expect(columnsOf(raw.pick('delayMinutes', 'origin'))).toBe('delayMinutes int32; origin utf8');
    expect(columnsOf(raw.select((f) => ({ hours: f.delayMinutes.div(60), kind: lit('x') })))).toBe(
      'hours float64; kind utf8',
    );
    expect(
      columnsOf(raw.pick('origin', 'delayMinutes').add((f) => ({ origin: f.origin.length(), x: f.delayMinutes }))),
    ).toBe('delayMinutes int32; origin int32; x int32');
  });

  it('of functions are the declared ones', () => {
    const out = schema({ minutes: int32() });
    expect(columnsOf(raw.map((r) => ({ minutes: r.delayMinutes }), { out }))).toBe('minutes int32');
    expect(columnsOf(raw.flatMap(() => [], { out }))).toBe('minutes int32');
    expect(columnsOf(raw.filter((r) => r.delayMinutes > 0))).toBe(columnsOf(raw));
  });
});

describe('event time', () => {
  const stream = from(source('s', schema({ at: timestamp(), other: timestamp(), n: int32() }))).watermark(
    'at',
    monotonous(),
  );
  const daily = <C extends Columns>(s: Stream<C, 'event time'>): string =>
    nodeOf(s.window(tumbling('1 day')).aggregate({ n: count() }).to(sink('out'))).kind;

  it('is kept by steps that leave out its column, whatever they do', () => {
    expect(daily(stream.pick('n'))).toBe('windowAggregate');
    expect(daily(stream.select((f) => ({ n: f.n })).where((f) => f.n.gt(1)))).toBe('windowAggregate');
    expect(daily(stream.map((r) => ({ n: r.n }), { out: schema({ n: int32() }) }))).toBe('windowAggregate');
    expect(daily(stream.add((f) => ({ at: f.at.plus('1 hour') })).filter((r) => r.n > 2))).toBe('windowAggregate');
  });

  it('of a union is there when both sides have it, whichever columns it came from', () => {
    const other = from(source('t', schema({ at: timestamp(), other: timestamp(), n: int32() })));
    expect(daily(stream.union(other.watermark('other', monotonous())))).toBe('windowAggregate');
    // As JavaScript sees it: the types refuse this one.
    const half = stream.union(other) as unknown as typeof stream;
    expect(mistakeOf(() => half.window(tumbling('1 day')))).toContain('E1205 window needs event time');
  });

  it('of results of windows is there, of late rows it is not', () => {
    const hourly = flights.window(tumbling('1 hour')).aggregate({ n: count() });
    expect(daily(hourly)).toBe('windowAggregate');
    // As JavaScript sees it: the types refuse this one.
    const late = hourly.late as unknown as typeof hourly;
    expect(mistakeOf(() => late.window(tumbling('1 day')))).toContain('E1205 window needs event time');
  });
});

describe('union', () => {
  it('puts the other side in the order of this one', () => {
    const node = nodeOf(raw.pick('origin', 'delayMinutes').union(raw.pick('delayMinutes', 'origin')).to(sink('out')));
    expect(node.kind === 'union' ? node.inputs.map(({ kind, schema: s }) => [kind, describeSchema(s)]) : []).toEqual([
      ['project', 'origin utf8; delayMinutes int32'],
      ['project', 'origin utf8; delayMinutes int32'],
    ]);
  });

  it('takes a side without nulls for a nullable one, not the other way', () => {
    const [maybe, never] = [int32().nullable(), int32()].map((n) => from(source('s', schema({ n }))));
    if (maybe === undefined || never === undefined) throw new Error('two streams');
    expect(columnsOf(maybe.union(never))).toBe('n int32, nullable');
    expect(mistakeOf(() => never.union(maybe))).toBe("E1204 column 'n' is int32, nullable, but union needs int32");
  });
});

describe('windows', () => {
  it('keep their offset between zero and the step', () => {
    const specOf = (window: Window<'a watermark'>): unknown => {
      const node = nodeOf(flights.window(window).aggregate({ n: count() }).to(sink('out')));
      return node.kind === 'windowAggregate' ? node.window : node.kind;
    };
    expect(specOf(tumbling('1 day', { offset: '-6 hours' }))).toEqual({
      kind: 'tumbling',
      clock: 'event time',
      zone: undefined,
      calendar: undefined,
      sizeMs: 86_400_000,
      offsetMs: 64_800_000,
    });
    expect(specOf(hopping('1 hour', '10 minutes', { offset: '5 minutes' }))).toEqual({
      kind: 'hopping',
      clock: 'event time',
      zone: undefined,
      sizeMs: 3_600_000,
      slideMs: 600_000,
      offsetMs: 300_000,
    });
  });

  it('refuse sizes that cannot be', () => {
    expect(mistakeOf(() => tumbling('-1 hour'))).toBe(
      "E1003 the window size must be greater than zero, but is '-1 hour'",
    );
    expect(mistakeOf(() => tumbling('0 s'))).toBe("E1003 the window size must be greater than zero, but is '0 s'");
    expect(mistakeOf(() => hopping('1 hour', '2 hours'))).toBe(
      "E1006 the slide must be at most the window size '1 hour', but is '2 hours'",
    );
    expect(mistakeOf(() => hopping('1001 s', '1 ms'))).toBe(
      "E1006 the slide must be at least a millionth of '1001 s', but is '1 ms'",
    );
    expect(mistakeOf(() => tumbling('1 hour', { offset: '-1 hour' }))).toBe(
      "E1006 the offset of tumbling must be shorter than '1 hour', but is '-1 hour'",
    );
    expect(mistakeOf(() => hopping('1 hour', '10 minutes', { offset: '25 minutes' }))).toBe(
      "E1006 the offset of hopping must be shorter than '10 minutes', but is '25 minutes'",
    );
    expect(mistakeOf(() => boundedOutOfOrderness('-1 minute'))).toBe(
      "E1006 the bound of out-of-orderness must be zero or more, but is '-1 minute'",
    );
  });
});

describe('a user of JavaScript', () => {
  // Every step with arguments that the types refuse.
  interface Loose {
    readonly [step: string]: (...values: readonly unknown[]) => Loose;
  }
  const loose = (stream: unknown): Loose => stream as Loose; // as JavaScript sees it
  const wrong = (step: (flights: Loose, raw: Loose) => unknown): string =>
    mistakeOf(() => step(loose(flights), loose(raw)));
  const mean = 'the input has: scheduled, origin, destination, delayMinutes.';

  it('is told about unknown columns, in every step', () => {
    expect(wrong((s) => s.keyBy?.('orgin'))).toBe(
      `E1203 unknown column 'orgin' in keyBy | ${mean} Did you mean 'origin'?`,
    );
    expect(wrong((s) => s.pick?.('gate'))).toBe(`E1203 unknown column 'gate' in pick | ${mean}`);
    expect(wrong((s) => s.watermark?.('sched', monotonous()))).toBe(
      `E1203 unknown column 'sched' in watermark | ${mean} Did you mean 'scheduled'?`,
    );
    const worst = { worst: loose({ max }).max?.('delay') };
    const named = wrong((s) =>
      s.keyBy?.('origin').window?.(tumbling('1 hour')).aggregate?.(worst, { uid: 'per-hour' }),
    );
    expect(named).toBe(
      `E1203 unknown column 'delay' in aggregate of 'per-hour' | ${mean} Did you mean 'delayMinutes'?`,
    );
  });

  it('is told about columns of the wrong type', () => {
    expect(wrong((_s, r) => r.watermark?.('origin', monotonous()))).toBe(
      "E1204 column 'origin' is utf8, but watermark needs a timestamp in milliseconds, never null",
    );
    expect(wrong((s) => s.aggregate?.({ m: loose({ avg }).avg?.('origin') }))).toBe(
      "E1204 column 'origin' is utf8, but avg in aggregate needs a number | Columns of the input that would do: delayMinutes.",
    );
    expect(wrong((s) => s.aggregate?.({ m: loose({ max }).max?.('origin') }))).toBe('no mistake');
  });

  it('is told what a window needs', () => {
    expect(wrong((_s, r) => r.keyBy?.('origin').window?.(tumbling('1 hour')))).toBe(
      'E1205 window needs event time, but no watermark comes before it | call .watermark(column, strategy) before',
    );
    expect(wrong((s) => s.window?.('1 hour'))).toBe(
      "E1006 window must be given a window, such as tumbling('1 hour'), but is '1 hour'",
    );
    expect(wrong((s) => s.window?.(tumbling('1 hour'), { lateness: '1 hour' }))).toBe(
      "E1009 unknown option 'lateness' of window | it takes: allowedLateness, results, trigger, evictor. Did you mean 'allowedLateness'?",
    );
    expect(wrong((s) => s.window?.(tumbling('1 hour'), { allowedLateness: '-1 s' }))).toBe(
      "E1006 allowedLateness of window must be zero or more, but is '-1 s'",
    );
    expect(wrong((s) => s.window?.(tumbling('1 hour'), { results: 'updating' }))).toBe(
      "E1006 results of window must be one of accumulating, discarding, retracting, final, but is 'updating'",
    );
    expect(wrong((s) => s.aggregate?.({ n: count() }).window?.(tumbling('1 hour')))).toBe(
      'E1211 window cannot read results that update and delete rows | window the stream first; results of windows are final',
    );
  });

  it('is told that results which change rows need a sink for them', () => {
    expect(
      wrong((s) =>
        s
          .aggregate?.({ n: count() })
          .where?.((f: { n: { gt(n: number): unknown } }) => f.n.gt(1))
          .to?.(sink('out')),
      ),
    ).toBe(
      'E1206 out takes inserts only, but these results also update and delete rows | '
        + 'use a sink that takes updates and deletes, or windows, whose results are final',
    );
    expect(wrong((s) => s.aggregate?.({ n: count() }).to?.(changelogSink('out')))).toBe('no mistake');
    const again = (aggregate: unknown): string =>
      wrong((s) => s.aggregate?.({ n: count() }).keyBy?.('n').aggregate?.({ m: aggregate }));
    expect(again(count())).toBe('no mistake');
    expect(again(max('n'))).toBe(
      "E1211 'm' of aggregate cannot read results that update and delete rows | "
        + 'max cannot take a row back; count, sum, avg, stddev, variance, any, all can',
    );
  });

  it('is told about names that clash', () => {
    const hourly = (aggregates: unknown): string =>
      wrong((s) => s.keyBy?.('origin').window?.(tumbling('1 hour')).aggregate?.(aggregates));
    expect(hourly({ origin: count() })).toBe(
      "E1207 'origin' in aggregate is already a column of the result | choose another name",
    );
    expect(hourly({ windowEnd: count() })).toBe(
      "E1207 'windowEnd' in aggregate is already a column of the result | choose another name",
    );
    expect(wrong((s) => s.keyBy?.('origin', 'origin'))).toBe("E1005 column 'origin' is declared twice");
  });

  it('is told about things of the wrong shape', () => {
    expect(mistakeOf(() => loose({ from }).from?.('flights/*.ndjson'))).toBe(
      "E1006 from must be given a source, but is 'flights/*.ndjson'",
    );
    expect(wrong((s) => s.to?.('out'))).toBe("E1006 to must be given a sink, but is 'out'");
    expect(wrong((s) => s.union?.(Flight))).toBe('E1006 union must be given a stream, but is an object');
    expect(wrong((s) => s.filter?.(true))).toBe('E1006 filter must be given a function of a row, but is true');
    expect(wrong((s) => s.map?.(() => ({})))).toBe(
      'E1006 out of map must be a schema, but is undefined | make one with schema({ name: utf8() })',
    );
    expect(wrong((s) => s.watermark?.('scheduled', 'monotonous'))).toBe(
      "E1006 the strategy of watermark must be such as boundedOutOfOrderness('10 s'), but is 'monotonous'",
    );
    expect(wrong((s) => s.aggregate?.({ n: count }))).toBe(
      "E1006 'n' of aggregate must be an aggregate, but is the function count | write it with its call, such as count() or max('column')",
    );
    expect(wrong((s) => s.aggregate?.(count()))).toContain(
      "E1006 'fn' of aggregate must be an aggregate, but is 'count'",
    );
    expect(wrong((s) => s.aggregate?.('n'))).toBe(
      "E1006 aggregate must be given an object of aggregates, but is 'n' | write { name: count() }",
    );
  });

  it('is told about nothing where something is needed', () => {
    for (const step of ['keyBy', 'pick'] as const) {
      expect(wrong((s) => s[step]?.())).toBe(`E1006 ${step} must be given at least one column, but is given none`);
    }
    expect(wrong((s) => s.select?.(() => ({})))).toBe(
      'E1006 select must be given at least one column, but is given none',
    );
    expect(wrong((s) => s.aggregate?.({}))).toBe(
      'E1006 aggregate must be given at least one aggregate, but is given none',
    );
  });

  it('is told about unknown options and uids that the engine has a use for', () => {
    expect(wrong((s) => s.watermark?.('scheduled', monotonous(), { idleafter: '1 s' }))).toBe(
      "E1009 unknown option 'idleafter' of watermark | it takes: idleAfter, futureSkew, align. Did you mean 'idleAfter'?",
    );
    expect(wrong((s) => s.watermark?.('scheduled', monotonous(), { idleAfter: '0 s' }))).toBe(
      "E1003 idleAfter of watermark must be greater than zero, but is '0 s'",
    );
    for (const uid of ['', 'per/hour', 'dead-letters', '/']) {
      expect(wrong((s) => s.aggregate?.({ n: count() }, { uid }))).toBe(
        `E1006 the uid of aggregate must be a name without '/', other than 'dead-letters', but is '${uid}'`,
      );
    }
    expect(wrong((s) => s.aggregate?.({ n: count() }, { uid: 'dead-letters\n' }))).toBe('no mistake');
    expect(wrong((s) => s.map?.(() => ({}), { out: Flight, uuid: 'x' }))).toBe(
      "E1009 unknown option 'uuid' of map | it takes: out, uid, onError. Did you mean 'uid'?",
    );
    expect(wrong((s) => s.aggregate?.({ n: loose({ count }).count?.({ were: 1 }) }))).toBe(
      "E1009 unknown option 'were' of count | it takes: where. Did you mean 'where'?",
    );
  });

  it('is told about columns that a sink needs', () => {
    const table = tableSink('t', schema({ origin: utf8(), mean: float64() }));
    expect(wrong((s) => s.pick?.('origin').to?.(table))).toBe(
      "E1203 unknown column 'mean' in t | the input has: origin.",
    );
    expect(wrong((s) => s.add?.(() => ({ mean: lit(1) })).to?.(table))).toBe(
      "E1204 column 'mean' is int32, but t needs float64",
    );
  });
});

describe('a mistake', () => {
  it('names the line of the user', () => {
    let found: unknown;
    const here = new Error().stack?.split('\n')[1]?.match(/:(\d+):\d+\)?$/)?.[1];
    try {
      raw.where((f) => f.delayMinutes.plus(2 ** 53).gt(0));
    } catch (error) {
      found = error;
    }
    if (!(found instanceof UserError)) throw new Error('no mistake was found');
    expect(found.location.file).toMatch(/test\/src\/api\/stream-builder\.test\.ts$/);
    expect(found.location.line).toBe(Number(here) + 2);
    expect(found.format()).toBe(
      `error[E1006] a whole number in plus must be exact, but is 9007199254740992\n  ${found.location.file}:${found.location.line}\n`
        + '  write it as a bigint, such as 123n',
    );
  });
});

describe('sinks with columns', () => {
  it('get exactly theirs, in their order', () => {
    const made = flights
      .keyBy('origin')
      .window(tumbling('1 hour'))
      .aggregate({ n: count() })
      .to(tableSink('t', schema({ n: int64(), origin: utf8() })));
    expect(describeSchema(nodeOf(made).schema)).toBe('n int64; origin utf8');
  });
});
