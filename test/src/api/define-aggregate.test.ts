/** Aggregates that users define: what is refused, what a failure says, what becomes of the row. */
import { describe, expect, it } from 'vitest';
import {
  collect,
  collection,
  count,
  countTrigger,
  defineAggregate,
  eventTime,
  float64,
  from,
  type FunctionOptions,
  globalWindow,
  hopping,
  int32,
  int64,
  keepLast,
  type Job,
  joinText,
  min,
  monotonous,
  reduce,
  schema,
  session,
  timestamp,
  tumbling,
  UserError,
  utf8,
} from '../../../src/index.ts';
import { explainPhysical, physicalPlanOf } from '../../../src/platform.ts';
import { play, type Played, tape } from '../../../src/testing/index.ts';
import { mistakeOf } from './stand-ins.ts';

const Click = schema({ at: timestamp(), user: utf8(), n: int32(), page: utf8(), id: int64().asBigInt() });
const clicks = () => from(collection(Click, []), { uid: 'clicks' }).watermark('at', monotonous());
const clicksAt = (...seconds: readonly number[]) =>
  tape(
    Click,
    seconds.map((second, i) => ({
      at: i * 10,
      row: { at: eventTime(new Date(second * 1000)), user: 'ann', n: i, page: `p${second % 2}`, id: 1n },
    })),
  );
const playAt = (job: Job, ...seconds: readonly number[]): Promise<Played> =>
  play(job, { tapes: { clicks: clicksAt(...seconds) } });
const problemOf = ({ failure }: Played): string => (failure instanceof UserError ? failure.format() : String(failure));
const rowsOf = (played: Played): unknown[] =>
  (played.output['out'] ?? []).map(({ op, row: { n: _, user: __, windowEnd: ___, ...row } }) =>
    Object.values({ op, ...row })
      .map(String)
      .join(' '),
  );

/** Adds numbers, but for those that it does not like. */
const pickyOf = (bad: { readonly add?: number; readonly merge?: true; readonly finish?: true }) =>
  defineAggregate({
    input: int32(),
    accumulator: int64(),
    result: int64(),
    create: () => 0,
    add(total, value) {
      if (value === bad.add) throw new Error(`${value} is not liked`);
      return total + value;
    },
    merge(a, b) {
      if (bad.merge) throw new Error('no merging');
      return a + b;
    },
    finish(total) {
      if (bad.finish) throw new Error('no result');
      return total;
    },
  });

describe('from JavaScript, defineAggregate refuses', () => {
  const whole = {
    input: int32(),
    accumulator: int64(),
    result: int64(),
    create: () => 0,
    add: () => 0,
    merge: () => 0,
    finish: () => 0,
  };
  const defined = (change: object): string =>
    mistakeOf(() => Reflect.apply(defineAggregate, undefined, [{ ...whole, ...change }]));

  it('parts that are missing or of another kind', () => {
    expect(mistakeOf(() => Reflect.apply(defineAggregate, undefined, [7]))).toBe(
      'E1006 defineAggregate must be given an object, but is 7',
    );
    expect(defined({ input: 'int32' })).toBe("E1006 input of defineAggregate must be a column, but is 'int32'");
    expect(defined({ accumulator: 0 })).toBe(
      'E1006 accumulator of defineAggregate must be a column or a schema, but is 0',
    );
    expect(defined({ merge: undefined })).toBe('E1006 merge of defineAggregate must be a function, but is undefined');
    expect(defined({ retract: 1 })).toBe('E1006 retract of defineAggregate must be a function, but is 1');
    expect(defined({ finnish: 1 })).toContain("E1009 unknown option 'finnish' of defineAggregate");
    expect(mistakeOf(() => Reflect.apply(reduce, undefined, ['n', 'max']))).toBe(
      "E1006 the function of reduce must be a function, but is 'max'",
    );
  });

  it('a column of another type, or none', () => {
    const used = (column: unknown): string =>
      mistakeOf(() =>
        clicks()
          .keyBy('user')
          .aggregate({ a: Reflect.apply(pickyOf({}), undefined, [column]) }),
      );
    expect(used('page')).toBe("E1204 column 'page' is utf8, but aggregate needs int32");
    expect(used('m')).toContain("E1203 unknown column 'm' in aggregate");
    expect(used(undefined)).toContain('E1006 a defined aggregate must be given a column, but is undefined');
    const ofNumbers = defineAggregate({ ...whole, input: int64() });
    expect(
      mistakeOf(() =>
        clicks()
          .keyBy('user')
          .aggregate({ a: Reflect.apply(ofNumbers, undefined, ['id']) }),
      ),
    ).toBe("E1204 column 'id' is int64, but aggregate needs int64 that reads as a number");
  });

  it('what cannot be taken back over results that are', () => {
    const perUser = clicks()
      .keyBy('user')
      .aggregate({ most: min('n') });
    const again = (): unknown =>
      Reflect.apply(Reflect.get(perUser, 'aggregate'), perUser, [{ total: pickyOf({})('most' as never) }]); // untyped
    expect(mistakeOf(again)).toBe(
      "E1211 'total' of aggregate cannot read results that update and delete rows"
        + ' | total cannot take a row back; give its definition a retract',
    );
  });

  it('to put rows aside that an evictor has kept, because it is too late then', () => {
    const window = clicks()
      .keyBy('user')
      .window(globalWindow(), { trigger: countTrigger(2), evictor: keepLast(2) });
    expect(mistakeOf(() => window.aggregate({ a: pickyOf({})('n') }, { onError: 'dead letter' }))).toBe(
      "E1006 onError of aggregate must be 'fail' in windows with an evictor, but is 'dead letter'",
    );
  });
});

it('is told apart in plans, with the reason why rows are taken one by one', () => {
  const job = clicks()
    .keyBy('user')
    .window(tumbling('5 s'))
    .aggregate({ a: pickyOf({})('n') })
    .to(collect());
  const text = explainPhysical(physicalPlanOf(job, 'test'));
  expect(text).toContain('a = user(n)');
  expect(text).toContain('row by row, because functions make some of its aggregates');
});

const perFive = (bad: Parameters<typeof pickyOf>[0], options: FunctionOptions = {}): Job =>
  clicks()
    .keyBy('user')
    .window(tumbling('5 s'))
    .aggregate({ rows: count(), total: pickyOf(bad)('n') }, { uid: 'totals', ...options })
    .to(collect(), { uid: 'out' });

describe('a function that throws', () => {
  const ROW =
    'add of aggregate \'total\' failed on the row at 1970-01-01T00:00:02.000Z of key { user: "ann" }: 1 is not liked '
    + '(row: { at: 1970-01-01T00:00:02.000Z, user: "ann", n: 1, page: "p0", id: 1n })';
  // The windows have no use for the columns that nothing reads.
  const SEEN = ROW.replace(', page: "p0", id: 1n', '');

  it('ends the job with the row, its key and its event time', async () => {
    const problem = problemOf(await playAt(perFive({ add: 1 }), 1, 2, 3));
    expect(problem.replace(/, page: .*, id: \w+/, '')).toBe(`error[E1314] ${SEEN}\n  in operator totals`);
  });

  it('makes a counted dead letter when asked to, and the job goes on without the row', async () => {
    const played = await playAt(perFive({ add: 1 }, { onError: 'dead letter' }), 1, 2, 3);
    expect(played.failure).toBeUndefined();
    expect(rowsOf(played)).toEqual(['+I 1970-01-01T00:00:00.000Z 2 2']);
    expect(played.ledger['totals']).toMatchObject({ in: 3, deadLetters: 1, released: 2, held: 0, expanded: 0 });
    expect(played.deadLetters).toHaveLength(1);
  });

  it('makes one dead letter of a row that fails in several windows, and counts it once', async () => {
    const job = clicks()
      .keyBy('user')
      .window(hopping('10 s', '5 s'))
      .aggregate({ total: pickyOf({ add: 1 })('n') }, { uid: 'totals', onError: 'dead letter' })
      .to(collect(), { uid: 'out' });
    const played = await playAt(job, 1, 2, 7);
    expect(rowsOf(played)).toEqual([
      '+I 1969-12-31T23:59:55.000Z 0',
      '+I 1970-01-01T00:00:00.000Z 2',
      '+I 1970-01-01T00:00:05.000Z 2',
    ]);
    expect(played.deadLetters).toHaveLength(1);
    expect(played.ledger['totals']).toMatchObject({ in: 3, deadLetters: 1, released: 4, expanded: 2, held: 0 });
  });

  it('leaves a session as long as its rows make it, without what it could not add', async () => {
    const job = clicks()
      .keyBy('user')
      .window(session('3 s'))
      .aggregate({ total: pickyOf({ add: 1 })('n') }, { onError: 'dead letter' })
      .to(collect(), { uid: 'out' });
    expect(
      (await playAt(job, 1, 3, 5)).output['out']?.map(({ row }) => [String(row['windowEnd']), row['total']]),
    ).toEqual([['1970-01-01T00:00:08.000Z', 2]]);
  });

  it('ends the job with the key and the window when it joins or finishes', async () => {
    expect(problemOf(await playAt(perFive({ finish: true }, { onError: 'dead letter' }), 1, 7))).toBe(
      'error[E1315] finish of aggregate \'total\' failed for the rows of key { user: "ann" } in the window from '
        + '1970-01-01T00:00:00.000Z to 1970-01-01T00:00:05.000Z: no result\n  in operator totals',
    );
    const joined = from(collection(Click, []), { uid: 'clicks' })
      .watermark('at', monotonous())
      .window(session('3 s'), { allowedLateness: '1 minute' })
      .aggregate({ total: pickyOf({ merge: true })('n') }, { uid: 'sessions' })
      .to(collect(), { uid: 'out' });
    expect(problemOf(await playAt(joined, 1, 5, 3))).toBe(
      "error[E1315] merge of aggregate 'total' failed for the rows in the window from "
        + '1970-01-01T00:00:01.000Z to 1970-01-01T00:00:08.000Z: no merging\n  in operator sessions',
    );
  });

  it('is told without windows too, and leaves the group as it was', async () => {
    const running = (options: FunctionOptions) =>
      clicks()
        .keyBy('user')
        .aggregate({ total: pickyOf({ add: 1 })('n') }, { uid: 'totals', ...options })
        .to(collect({ changelog: true }), { uid: 'out' });
    const problem = problemOf(await playAt(running({}), 1, 2, 3));
    expect(problem.replace(/, page: .*, id: \w+/, '')).toBe(`error[E1314] ${SEEN}\n  in operator totals`);
    const played = await playAt(running({ onError: 'dead letter' }), 1, 2, 3);
    expect(rowsOf(played)).toEqual(['+I 0', '-U 0', '+U 2']);
    expect(played.ledger['totals']).toMatchObject({ in: 3, deadLetters: 1, held: 2, results: 3 });
  });
});

it('refuses a function that changes what it is given, and what is no result', async () => {
  const changing = defineAggregate({
    input: int32(),
    accumulator: schema({ n: int64() }),
    result: float64(),
    create: () => ({ n: 0 }),
    add(kept, value) {
      Object.assign(kept, { n: value });
      return kept;
    },
    merge: (a) => a,
    finish: ({ n }) => n,
  });
  const textual = Reflect.apply(defineAggregate, undefined, [
    {
      input: int32(),
      accumulator: int64(),
      result: int64(),
      create: () => 0,
      add: () => 1,
      merge: () => 1,
      finish: String,
    },
  ]) as typeof changing; // as JavaScript may
  const problem = async (aggregate: typeof changing): Promise<string> =>
    problemOf(
      await playAt(
        clicks()
          .window(tumbling('5 s'))
          .aggregate({ a: aggregate('n') })
          .to(collect()),
        1,
        2,
      ),
    );
  expect(await problem(changing)).toContain("Cannot assign to read only property 'n'");
  expect(await problem(textual)).toContain('column \'a\' is int64 and cannot hold "1"');
});

it('a correction that changes no text takes nothing back', async () => {
  const words = (late: number) =>
    playAt(
      clicks()
        .keyBy('user')
        .window(session('5 s'), { allowedLateness: '1 minute', results: 'retracting' })
        .aggregate({ least: min('page'), n: count({ where: (f) => f.n.gt(9) }) })
        .to(collect({ changelog: true }), { uid: 'out' }),
      2,
      3,
      60,
      late,
    );
  expect((await words(4)).output['out']?.map(({ op }) => op)).toEqual(['+I', '-D', '+I', '+I']);
  expect((await words(3)).output['out']?.map(({ op }) => op)).toEqual(['+I', '+I']);
});

it('an aggregate of text by functions equals the one of the engine', async () => {
  const listed = defineAggregate({
    input: utf8(),
    accumulator: utf8(),
    result: utf8(),
    create: () => '',
    add: (text, page) => (text === '' ? page : `${text}-${page}`),
    merge: (a, b) => `${a}-${b}`,
    finish: (text) => text,
  });
  const job = clicks()
    .window(tumbling('10 s'))
    .aggregate({ own: listed('page'), theirs: joinText('page', '-', { limit: 10 }) })
    .to(collect(), { uid: 'out' });
  expect(rowsOf(await playAt(job, 1, 2, 4, 5))).toEqual(['+I 1970-01-01T00:00:00.000Z p1-p0-p0-p1 p1-p0-p0-p1']);
});
