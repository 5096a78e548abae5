import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { type Flight, makeFlights, writeFlights } from '../../../node/demo/make-flights.mjs';

const MINUTE = 60_000;
const departed = (flight: Flight): number => Date.parse(flight.scheduled) + flight.delayMinutes * MINUTE;

it('makes twenty thousand flights in three files, none of them empty', () => {
  const sizes = [...makeFlights()].map(([region, flights]) => [region, flights.length] as const);
  expect(sizes.map(([region]) => region)).toEqual(['east', 'central', 'west']);
  expect(sizes.reduce((sum, [, size]) => sum + size, 0)).toBe(20_000);
  for (const [, size] of sizes) expect(size).toBeGreaterThan(4000);
});

it('keeps each file in the order of actual departure, which puts delayed flights behind later ones', () => {
  for (const flights of makeFlights().values()) {
    let latest = Number.NEGATIVE_INFINITY;
    let behind = 0;
    flights.forEach((flight, i) => {
      const before = flights[i - 1];
      if (before !== undefined) expect(departed(flight)).toBeGreaterThanOrEqual(departed(before));
      const scheduled = Date.parse(flight.scheduled);
      if (scheduled < latest - 60 * MINUTE) behind++;
      latest = Math.max(latest, scheduled);
    });
    expect(behind / flights.length).toBeGreaterThan(0.02);
    expect(behind / flights.length).toBeLessThan(0.06);
  }
});

it('writes the same bytes each time, and leaves a finished file alone', () => {
  const folder = mkdtempSync(join(tmpdir(), 'millrace-flights-'));
  try {
    expect(writeFlights(folder)).toBe(20_000);
    const before = readdirSync(folder).map((name) => [
      name,
      readFileSync(join(folder, name), 'utf8'),
      statSync(join(folder, name)).mtimeMs,
    ]);
    expect(writeFlights(folder)).toBe(20_000);
    expect(
      readdirSync(folder).map((name) => [
        name,
        readFileSync(join(folder, name), 'utf8'),
        statSync(join(folder, name)).mtimeMs,
      ]),
    ).toEqual(before);
    expect(before.map(([name]) => name)).toEqual(['central.ndjson', 'east.ndjson', 'west.ndjson']);
  } finally {
    rmSync(folder, { recursive: true });
  }
});
