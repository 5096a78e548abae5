import { describe, expect, it } from 'vitest';
import { run } from '../../../node/run.ts';
import {
  boundedOutOfOrderness,
  collect,
  collection,
  eventTime,
  from,
  type Job,
  schema,
  timestamp,
  utf8,
} from '../../../src/index.ts';
import { mistakeOf } from './stand-ins.ts';

const Login = schema({ at: timestamp(), user: utf8(), place: utf8() });
const BEGIN = eventTime('2001-01-01T00:00Z');
const login = (seconds: number, user: string, place: string) => ({ at: BEGIN.plus(`${seconds} s`), user, place });
const untimed = from(
  collection(Login, [
    login(5, 'ann', 'Bern'),
    login(9, 'bob', 'Rome'),
    login(2, 'ann', 'Oslo'),
    login(70, 'ann', 'Wien'),
    login(90, 'bob', 'Rome'),
  ]),
);
const logins = untimed.watermark('at', boundedOutOfOrderness('10 s'));

async function finish(job: Job): Promise<void> {
  const running = await run(job, { handleSignals: false });
  expect(await running.done).toBe('finished');
}

describe('one row of each key', () => {
  it('is the first by event time, in order, when the watermark has reached it', async () => {
    const rows = collect(Login);
    await finish(logins.keyBy('user').deduplicate({ keep: 'first', order: 'event time' }).to(rows));
    expect(rows.rows.map(({ user, place }) => `${user} ${place}`)).toEqual(['ann Oslo', 'bob Rome']);
  });

  it('is the first again after the time within which rows are duplicates', async () => {
    const rows = collect(Login);
    const first = logins.keyBy('user').deduplicate({ keep: 'first', order: 'event time', within: '1 minute' });
    await finish(first.to(rows));
    expect(rows.rows.map(({ user, place }) => `${user} ${place}`)).toEqual([
      'ann Oslo',
      'bob Rome',
      'ann Wien',
      'bob Rome',
    ]);
  });

  it('is the first that arrived', async () => {
    const rows = collect(Login);
    await finish(untimed.keyBy('user').deduplicate({ keep: 'first', order: 'arrival' }).to(rows));
    expect(rows.rows.map(({ user, place }) => `${user} ${place}`)).toEqual(['ann Bern', 'bob Rome']);
  });

  it('is the last, as a changelog', async () => {
    const changes = collect({ changelog: true });
    await finish(logins.keyBy('user').deduplicate({ keep: 'last', order: 'event time' }).pick('place').to(changes));
    const story = changes.rows.map((change) => `${change.op} ${String(change['place'])}`);
    expect(story).toEqual(['+I Bern', '+I Rome', '-U Bern', '+U Wien', '-U Rome', '+U Rome']);
  });
});

describe('mistakes in deduplicate', () => {
  interface Loose {
    deduplicate(options: unknown): unknown;
  }
  // As a user of JavaScript sees it.
  const loose = (stream: unknown): Loose => stream as Loose;

  it('are told', () => {
    const keyed = loose(logins.keyBy('user'));
    const late = loose(untimed.keyBy('user'));
    expect(mistakeOf(() => keyed.deduplicate({ keep: 'best', order: 'arrival' }))).toBe(
      "E1006 keep of deduplicate must be 'first' or 'last', but is 'best'",
    );
    expect(mistakeOf(() => keyed.deduplicate({ keep: 'last', order: 'id' }))).toBe(
      "E1006 the order of deduplicate must be one of event time, processing time, arrival, but is 'id'",
    );
    expect(mistakeOf(() => keyed.deduplicate({ keep: 'last', order: 'arrival', within: '0 s' }))).toBe(
      "E1003 within of deduplicate must be greater than zero, but is '0 s'",
    );
    const needsTime = 'E1205 deduplicate needs event time, but no watermark comes before it';
    expect(mistakeOf(() => late.deduplicate({ keep: 'last', order: 'event time' }))).toBe(needsTime);
    expect(mistakeOf(() => late.deduplicate({ keep: 'first', order: 'arrival', within: '1 s' }))).toBe(needsTime);
    const twice = loose(logins.keyBy('user').deduplicate({ keep: 'last', order: 'arrival' }).keyBy('user'));
    expect(mistakeOf(() => twice.deduplicate({ keep: 'last', order: 'arrival' }))).toBe(
      'E1211 deduplicate cannot read results that update and delete rows',
    );
  });
});
