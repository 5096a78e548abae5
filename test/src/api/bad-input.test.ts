/** Bad input, one test for each kind, with the exact message or figure that a user meets. */
import { describe, expect, it } from 'vitest';
import { UserError } from '../../../src/base/errors.ts';
import {
  type AsyncOptions,
  boundedOutOfOrderness,
  collect,
  collection,
  count,
  cumulating,
  eventTime,
  from,
  type FunctionOptions,
  hopping,
  int32,
  job,
  monotonous,
  schema,
  session,
  timestamp,
  tumbling,
  utf8,
} from '../../../src/index.ts';
import { play, type Played, tape } from '../../../src/testing/index.ts';

/** JavaScript may hand in anything. */
type Loose = (...given: unknown[]) => unknown;
// As Loose says.
const [tumble, hop, cumulate] = [tumbling, hopping, cumulating] as unknown as [Loose, Loose, Loose];

function wrong(make: () => unknown): string {
  try {
    make();
  } catch (error) {
    if (error instanceof UserError) return `${error.code} ${error.message}${error.hint ? ` | ${error.hint}` : ''}`;
    throw error;
  }
  return 'no mistake';
}

const Click = schema({ at: timestamp(), user: utf8(), n: int32() });
const clicksAt = (...seconds: readonly number[]) =>
  tape(
    Click,
    seconds.map((second, i) => ({ at: i * 10, row: { at: eventTime(new Date(second * 1000)), user: 'ann', n: i } })),
  );
const clicks = () => from(collection(Click, []), { uid: 'clicks' }).watermark('at', monotonous());
const problemOf = ({ failure }: Played): string => (failure instanceof UserError ? failure.format() : String(failure));

describe('a window that cannot be is refused when it is written', () => {
  it('with a size of zero or below', () => {
    expect(wrong(() => tumble('0 s'))).toBe("E1003 the window size must be greater than zero, but is '0 s'");
    expect(wrong(() => tumble('-1 hour'))).toBe("E1003 the window size must be greater than zero, but is '-1 hour'");
    expect(wrong(() => hop('0 s', '1 s'))).toBe("E1003 the window size must be greater than zero, but is '0 s'");
    expect(wrong(() => hop('1 hour', '0 s'))).toBe("E1003 the slide must be greater than zero, but is '0 s'");
    expect(wrong(() => cumulate('1 hour', '-1 s'))).toBe("E1003 the step must be greater than zero, but is '-1 s'");
    expect(wrong(() => session('0 s'))).toBe("E1003 the session gap must be greater than zero, but is '0 s'");
  });

  it('with a slide beyond its size, because rows between windows would be dropped', () => {
    expect(wrong(() => hop('1 minute', '1 hour'))).toBe(
      "E1006 the slide must be at most the window size '1 minute', but is '1 hour'",
    );
  });

  it('in a zone that is not known', () => {
    expect(wrong(() => tumble('1 day', { zone: 'Europe/Berlim' }))).toBe(
      "E1021 'Europe/Berlim' is not a time zone that is known here | Did you mean 'Europe/Berlin'?",
    );
    expect(wrong(() => tumble('1 day', { zone: '+02:00' }))).toBe(
      "E1021 '+02:00' is not a time zone that is known here | write the name of a region's city, such as 'Europe/Berlin'",
    );
  });
});

it('a timer in the past fires when the watermark moves next, once, at its own time', async () => {
  const told = clicks()
    .keyBy('user')
    .process(
      {
        timers: ['late'],
        row(row, { timers, emit }) {
          if (row.n === 0) timers.eventTime(row.at.minus('1 hour'), 'late');
          emit({ what: `row ${row.n}` });
        },
        timer({ at, emit }) {
          emit({ what: `timer of ${String(at)}` });
        },
      },
      { out: schema({ what: utf8() }) },
    )
    .to(collect(), { uid: 'out' });
  const played = await play(told, { tapes: { clicks: clicksAt(7200, 7201, 7202) } });
  expect(played.failure).toBeUndefined();
  expect(played.output['out']?.map(({ row }) => row['what'])).toEqual([
    'row 0',
    'timer of 1970-01-01T01:00:00.000Z',
    'row 1',
    'row 2',
  ]);
});

it('a row for a session that is closed goes to the late rows and is counted, and the session stays as it was', async () => {
  const sessions = clicks().keyBy('user').window(session('5 s')).aggregate({ n: count() }, { uid: 'sessions' });
  const both = job('test', sessions.to(collect(), { uid: 'out' }), sessions.late.to(collect(), { uid: 'late' }));
  const played = await play(both, { tapes: { clicks: clicksAt(1, 3, 60, 4, 61) } });
  expect(played.output['out']?.map(({ row }) => [String(row['windowStart']), row['n']])).toEqual([
    ['1970-01-01T00:00:01.000Z', 2],
    ['1970-01-01T00:01:00.000Z', 2],
  ]);
  expect(played.output['late']?.map(({ row }) => row['n'])).toEqual([3]);
  expect(played.ledger['sessions']).toMatchObject({ in: 5, late: 1, results: 2, held: 0 });
});

describe('a function that throws', () => {
  const checked = (options: FunctionOptions) =>
    clicks()
      .keyBy('user')
      .process(
        {
          uid: 'check',
          ...options,
          row(row, { emit }) {
            if (row.n === 1) throw new Error('n is 1');
            emit({ n: row.n });
          },
        },
        { out: schema({ n: int32() }) },
      )
      .to(collect(), { uid: 'out' });

  it('ends the job with its operator, the event time, the key and the row', async () => {
    expect(problemOf(await play(checked({}), { tapes: { clicks: clicksAt(1, 2, 3) } }))).toBe(
      'error[E1310] the function of a process failed on the row at 1970-01-01T00:00:02.000Z of key { user: "ann" }: n is 1 '
        + '(row: { at: 1970-01-01T00:00:02.000Z, user: "ann", n: 1 })\n  in operator check',
    );
  });

  it('makes a counted dead letter when asked to, and the job goes on', async () => {
    const played = await play(checked({ onError: 'dead letter' }), { tapes: { clicks: clicksAt(1, 2, 3) } });
    expect(played.failure).toBeUndefined();
    expect(played.output['out']?.map(({ row }) => row['n'])).toEqual([0, 2]);
    expect(played.ledger['check']).toMatchObject({ in: 3, deadLetters: 1 });
    expect(played.deadLetters.map(({ reason }) => reason)).toEqual([
      'the function of a process failed on the row at 1970-01-01T00:00:02.000Z of key { user: "ann" }: n is 1 '
        + '(row: { at: 1970-01-01T00:00:02.000Z, user: "ann", n: 1 })',
    ]);
  });
});

describe('a request that is never answered', () => {
  const asked = (options: AsyncOptions) =>
    from(collection(Click, []), { uid: 'clicks' })
      .watermark('at', boundedOutOfOrderness('1 s'))
      .mapAsync(({ n }) => (n === 1 ? new Promise<{ n: number }>(() => undefined) : Promise.resolve({ n })), {
        uid: 'ask',
        out: schema({ n: int32() }),
        timeout: '2 s',
        ...options,
      })
      .to(collect(), { uid: 'out' });

  it('ends the job with the time that it was waited for, the event time and the row', async () => {
    expect(problemOf(await play(asked({}), { tapes: { clicks: clicksAt(1, 2, 3) } }))).toBe(
      'error[E1310] the function of a mapAsync failed on the row at 1970-01-01T00:00:02.000Z: no answer within 2 s '
        + '(row: {"at":"1970-01-01T00:00:02.000Z","user":"ann","n":1})\n  in operator ask',
    );
  });

  it('makes a dead letter when asked to, and the job goes on', async () => {
    const played = await play(asked({ onFailure: 'dead letter' }), { tapes: { clicks: clicksAt(1, 2, 3) } });
    expect(played.failure).toBeUndefined();
    expect(played.output['out']?.map(({ row }) => row['n'])).toEqual([0, 2]);
    expect(played.deadLetters.map(({ reason }) => reason)).toEqual(['no answer within 2 s']);
  });
});
