/** JSON jobs: they become the plan that the same job in TypeScript becomes, and what is wrong is told with its path. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { loadJsonJob } from '../../../node/cli/json-job.ts';
import { ndjsonFiles, ndjsonSink } from '../../../node/sources.ts';
import {
  adaptive,
  boundedOutOfOrderness,
  column,
  count,
  countDistinct,
  cumulating,
  from,
  hopping,
  int32,
  type Job,
  job,
  median,
  monotonous,
  schema,
  session,
  timestamp,
  tumbling,
  type UserError,
  utf8,
} from '../../../src/index.ts';
import { physicalPlanOf } from '../../../src/platform.ts';

const SOURCE = {
  ndjsonFiles: 'flights/*.ndjson',
  schema: { scheduled: 'timestamp', origin: 'utf8', homeZone: 'utf8?', delay: 'int32' },
};
const Flight = schema({ scheduled: timestamp(), origin: utf8(), homeZone: utf8().nullable(), delay: int32() });
const flights = () => from(ndjsonFiles('flights/*.ndjson', Flight), { uid: 'source' });

let folder = '';
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'millrace-json-'));
});
afterAll(() => rm(folder, { recursive: true }));

async function loaded(more: object): Promise<Job> {
  const path = join(folder, 'job.json');
  await writeFile(path, JSON.stringify({ name: 'j', from: SOURCE, to: { ndjsonSink: 'out' }, ...more }));
  return loadJsonJob(path);
}

/** What a job is, but for its connectors. */
const planOf = (made: Job): unknown =>
  JSON.parse(
    JSON.stringify(physicalPlanOf(made, 'test').nodes, (key, value: unknown) =>
      key === 'connector' ? undefined : value,
    ),
  );

async function problemOf(more: object): Promise<string> {
  try {
    await loaded(more);
  } catch (error) {
    // What is thrown without a code fails the test by what comes out.
    const { code, message } = error as UserError;
    return `${code} ${message.replace(`${folder}/`, '')}`;
  }
  return 'no problem';
}

describe('a JSON job is the job in TypeScript', () => {
  const bounded = { column: 'scheduled', boundedOutOfOrderness: '1 hour' };
  const late = { allowedLateness: '2 hours', results: 'retracting' } as const;
  const out = () => ndjsonSink('out');

  it('with any watermark and what it does about silence, drift and the future', async () => {
    const watermark = {
      column: 'scheduled',
      adaptive: { lateRate: 0.001, max: '3 hours' },
      idleAfter: '2 minutes',
      futureSkew: '1 day',
      align: { group: 'airports', maxDrift: '10 minutes' },
    };
    const {
      column: _,
      adaptive: { lateRate, max },
      ...options
    } = watermark;
    const held = flights().watermark('scheduled', adaptive({ lateRate, max: max as '3 hours' }), options as never); // as written
    expect(planOf(await loaded({ watermark }))).toEqual(planOf(job('j', held.to(out()))));
    expect(planOf(await loaded({ watermark: { column: 'scheduled', monotonous: true, futureSkew: 'off' } }))).toEqual(
      planOf(job('j', flights().watermark('scheduled', monotonous(), { futureSkew: 'off' }).to(out()))),
    );
  });

  it('with any window, its zone, and what late rows do', async () => {
    const timed = () => flights().watermark('scheduled', boundedOutOfOrderness('1 hour')).keyBy('origin');
    const windows = [
      [
        { tumbling: '1 day', zone: 'Europe/Berlin', offset: '6 hours' },
        tumbling('1 day', { zone: 'Europe/Berlin', offset: '6 hours' }),
      ],
      [
        { tumbling: '1 month', zone: { column: 'homeZone' } },
        tumbling<'homeZone'>('1 month', { zone: column('homeZone') }),
      ],
      [{ hopping: '1 hour', every: '5 minutes' }, hopping('1 hour', '5 minutes')],
      [
        { cumulating: '1 day', step: '1 hour', zone: 'Asia/Kolkata' },
        cumulating('1 day', '1 hour', { zone: 'Asia/Kolkata' }),
      ],
      [{ session: '30 minutes' }, session('30 minutes')],
    ] as const;
    for (const [given, window] of windows) {
      const aggregate = { n: 'count', middle: { median: 'delay' }, places: { countDistinct: 'homeZone' } };
      const to = { ndjsonSink: 'out', changelog: true };
      const json = await loaded({
        watermark: bounded,
        keyBy: ['origin'],
        window: { ...given, ...late },
        aggregate,
        to,
      });
      const results = timed()
        .window(window, late)
        .aggregate({ n: count(), middle: median('delay'), places: countDistinct('homeZone') }, { uid: 'aggregate' });
      expect(planOf(json), JSON.stringify(given)).toEqual(
        planOf(job('j', results.to(ndjsonSink('out', { changelog: true })))),
      );
    }
  });
});

describe('a JSON job that is wrong says where', () => {
  const watermark = { column: 'scheduled' };
  const windowed = (window: object): object => ({ watermark, keyBy: ['origin'], window, aggregate: { n: 'count' } });

  it('in its watermark', async () => {
    expect(await problemOf({ watermark: { ...watermark, monotonous: true, boundedOutOfOrderness: '1 s' } })).toBe(
      'E1603 job.json, watermark: it must have one of monotonous and boundedOutOfOrderness',
    );
    expect(await problemOf({ watermark: { ...watermark, adaptive: { rate: 1 } } })).toBe(
      'E1603 job.json, watermark.adaptive.rate: there is no such key; there are lateRate, max',
    );
    expect(await problemOf({ watermark: { ...watermark, adaptive: { lateRate: 2, max: '1 s' } } })).toBe(
      'E1006 lateRate of adaptive must be a share of the rows, from 0.000001 to 0.5, but is 2',
    );
    expect(await problemOf({ watermark: { ...watermark, idleAfter: 7 } })).toContain('idleAfter');
    expect(await problemOf({ watermark: { ...watermark, align: { group: 'g' } } })).toContain('maxDrift');
  });

  it('in its window', async () => {
    expect(await problemOf(windowed({}))).toBe(
      'E1603 job.json, window: it must have one of tumbling, hopping, cumulating, session',
    );
    expect(await problemOf(windowed({ tumbling: '1 hour', session: '1 s' }))).toContain('it must have one of');
    expect(await problemOf(windowed({ session: '1 s', zone: 'Europe/Berlin' }))).toBe(
      'E1603 job.json, window.zone: there is no such key; there are session, allowedLateness, results',
    );
    expect(await problemOf(windowed({ tumbling: '1 day', zone: 'Europe/Berlim' }))).toContain('E1021');
    expect(await problemOf(windowed({ tumbling: '1 day', results: 'twice' }))).toContain('E1006 results of window');
    expect(await problemOf(windowed({ cumulating: '1 day', step: '7 hours' }))).toContain('E1006 the step must be');
    expect(
      await problemOf(windowed({ tumbling: '1 day', results: 'retracting', allowedLateness: '1 hour' })),
    ).toContain('E1206');
  });
});
