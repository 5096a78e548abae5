import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import departures from '../../../node/demo/departures.ts';
import { type Flight, makeFlights, writeFlights } from '../../../node/demo/make-flights.mjs';
import { explainPlan, planOf } from '../../../src/platform.ts';
import { JobFolder } from '../../support/cli.ts';
import { root } from '../../support/packed-project.ts';

const JOB = join(root, 'node', 'demo', 'departures.ts');
const HOUR = 3_600_000;

interface Hour {
  readonly departures: number;
  readonly worst: number;
  readonly mean: number;
}

let folder: JobFolder;

beforeAll(() => {
  folder = new JobFolder();
  mkdirSync(join(folder.path, '.millrace'));
  writeFlights(join(folder.path, '.millrace', 'flights'));
});

afterAll(() => folder.remove());

const linesOf = (text: string): string[] => text.trimEnd().split('\n');

it('counts every flight once: in the hour of its airport, or among those that came too late', async () => {
  const { code, err } = await folder.millrace('run', JOB);
  expect(code, err).toBe(0);
  const late = linesOf(folder.output('out/late'));
  const isLate = new Set(late);
  const flights = [...makeFlights().values()].flat();
  const hours = new Map<string, Flight[]>();
  for (const flight of flights) {
    const { scheduled, origin, destination, delayMinutes } = flight;
    if (isLate.has(JSON.stringify({ scheduled, origin, destination, delayMinutes }))) continue;
    const start = Math.floor(Date.parse(scheduled) / HOUR) * HOUR;
    const key = `${origin} ${new Date(start).toISOString()}`;
    hours.set(key, [...(hours.get(key) ?? []), flight]);
  }
  const found: (Hour & { origin: string; windowStart: string })[] = linesOf(folder.output('out/departures')).map(
    (line) => JSON.parse(line),
  );
  expect(found.length).toBe(hours.size);
  expect(found.reduce((sum, row) => sum + row.departures, 0) + late.length).toBe(flights.length);
  for (const { origin, windowStart, departures, worst, mean } of found) {
    const delays = (hours.get(`${origin} ${windowStart}`) ?? []).map(({ delayMinutes }) => delayMinutes);
    const total = delays.reduce((sum, delay) => sum + delay, 0);
    expect({ departures, worst, mean }).toEqual({
      departures: delays.length,
      worst: Math.max(...delays),
      mean: total / delays.length,
    });
  }
});

it('sends real flights to the late output, each delayed by more than the hour that was waited', () => {
  const late: Flight[] = linesOf(folder.output('out/late')).map((line) => JSON.parse(line));
  expect(late.length).toBeGreaterThan(50);
  for (const flight of late) expect(flight.delayMinutes).toBeGreaterThan(60);
});

it('the main job counts departures per airport and hour, and keeps flights that are later than an hour apart', () => {
  const lines = explainPlan(planOf(departures, 'unnamed'))
    .split('\n')
    .map((line) => line.trim());
  expect(lines[0]).toBe("job 'departures'");
  expect(lines).toContainEqual(expect.stringContaining('scheduled out of order by at most 1 hour'));
  expect(lines).toContainEqual(
    expect.stringMatching(
      /^windowAggregate.* by origin, tumbling 1 hour: departures = count\(\); worst = max\(delayMinutes\); mean = avg\(delayMinutes\)$/,
    ),
  );
  expect(lines.filter((line) => line.startsWith('sink'))).toEqual([
    expect.stringContaining("'out/departures'"),
    expect.stringContaining("'out/late'"),
  ]);
});
