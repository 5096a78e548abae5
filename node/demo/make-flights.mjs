/**
 * The bundled data set of the main job: 20,000 real departures in the United States, January to March 2001, as NDJSON.
 *
 *   node node/demo/make-flights.mjs [folder]       writes folder/{east,central,west}.ndjson (default: .millrace/flights)
 *
 * Source: `flights-20k.json` and `airports.csv` of the npm package vega-datasets (BSD-3-Clause), a sample of the on-time
 * performance data of the U.S. Bureau of Transportation Statistics, collected under 14 CFR Part 234; a work of the U.S.
 * government. A record there is: actual departure (local time of the airport), arrival delay, distance, origin, destination.
 *
 * What is made of it
 *  - Records stand in the order of their actual departure, as the source has them: the order of arrival is real.
 *  - `scheduled` is departure minus delay. The source has no scheduled time; this is it exactly for a flight that gained
 *    and lost nothing in the air, and otherwise off by what it gained or lost. A delayed flight so stands behind flights
 *    that were scheduled later: real delays make the records out of order and, beyond the bound, late.
 *  - Times are wall-clock times of the origin, written as if they were UTC: a window of an hour is an hour of that airport's day.
 *    For this reason the files are split by longitude of the origin, roughly by time zone, and each file is in order by itself.
 *
 * Same input, same bytes. A file that holds the same bytes already is left alone.
 */
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

const root = fileURLToPath(new URL('../..', import.meta.url));
const DATA = join(root, 'node_modules', 'vega-datasets', 'data');

/** West of these longitudes begins the next region. */
const CENTRAL_WEST_OF = -85;
const WEST_WEST_OF = -102;

/** 'east' | 'central' | 'west' of each airport code. */
function regions() {
  const [head, ...lines] = readFileSync(join(DATA, 'airports.csv'), 'utf8').trim().split('\n');
  if (!head.trim().endsWith('latitude,longitude')) throw new Error(`airports.csv has other columns: ${head}`);
  return new Map(
    lines.map((line) => {
      // The first column and the last are never quoted.
      const longitude = Number(line.slice(line.lastIndexOf(',') + 1));
      return [line.slice(0, line.indexOf(',')), regionAt(longitude)];
    }),
  );
}

const regionAt = (longitude) => (longitude > CENTRAL_WEST_OF ? 'east' : longitude > WEST_WEST_OF ? 'central' : 'west');

/** The three files as texts, and the flights in them. */
export function makeFlights() {
  const regionOf = regions();
  const rows = JSON.parse(readFileSync(join(DATA, 'flights-20k.json'), 'utf8'));
  const files = new Map(['east', 'central', 'west'].map((region) => [region, []]));
  for (const { date, delay, distance, origin, destination } of rows) {
    const departed = Date.parse(`${date.replaceAll('/', '-').replace(' ', 'T')}:00Z`);
    const region = regionOf.get(origin);
    if (Number.isNaN(departed) || region === undefined)
      throw new Error(`flight from ${origin} at ${date} cannot be placed`);
    const scheduled = new Date(departed - delay * 60_000).toISOString();
    files.get(region).push({ scheduled, origin, destination, delayMinutes: delay, distance });
  }
  return files;
}

/** Writes each file whole or not at all. Answers the number of flights. */
export function writeFlights(folder) {
  mkdirSync(folder, { recursive: true });
  let count = 0;
  for (const [region, flights] of makeFlights()) {
    const path = join(folder, `${region}.ndjson`);
    const text = flights.map((flight) => `${JSON.stringify(flight)}\n`).join('');
    count += flights.length;
    if (existsSync(path) && readFileSync(path, 'utf8') === text) continue;
    writeFileSync(`${path}.part`, text);
    renameSync(`${path}.part`, path);
  }
  return count;
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const folder = process.argv[2] ?? join('.millrace', 'flights');
  console.log(`flights: ${writeFlights(folder)} departures in ${folder}`);
}
