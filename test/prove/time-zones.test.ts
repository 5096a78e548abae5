/**
 * Every zone that the platform knows, and every link of the tz database that it takes, against the files of the system's
 * tzdata. Both tell their version; where versions differ, zones may differ, and each one that does stands below with
 * what changed.
 */
import { expect, it } from 'vitest';
import { TimeZone } from '../../src/base/time-zone.ts';
import { readZone, zoneDataVersion, type ZoneFile, zoneNames } from '../oracle/zone-file.ts';
import { checkZone, FROM, TO } from '../support/zone-check.ts';
import { findZoneFiles } from '../support/find-zone-files.ts';

const SEED = 1970;

interface Explained {
  /** Changes before this year may differ; none after it. */
  readonly before: number;
  readonly why: string;
}

const BAJA: Explained = {
  before: 1976,
  why: "2025c found that Baja California kept California's summer time until 1975",
};
const LINKED: Explained = { before: 1997, why: '2024b made it a link to a place; Debian keeps what it was before' };

const EXPLAINED: { readonly [zone: string]: Explained } = {
  'America/Ensenada': BAJA,
  'America/Santa_Isabel': BAJA,
  'America/Tijuana': BAJA,
  'Mexico/BajaNorte': BAJA,
  EET: LINKED,
  WET: LINKED,
};

/** Not places, and not zones of the platform. */
const NO_ZONES: ReadonlySet<string> = new Set(['Factory', 'localtime', 'posixrules']);

const textOf = (changes: readonly (readonly number[])[]): ReadonlySet<string> => new Set(changes.map(String));

/** Changes that only one of the two has, as instants. */
function differences(zone: TimeZone, file: ZoneFile): readonly number[] {
  const inFile = file.changes
    .filter(({ epoch }) => epoch >= FROM && epoch < TO)
    .map(({ epoch, before, after }) => [epoch, before, after]);
  const found = zone.changes(FROM, TO);
  const [a, b] = [textOf(inFile), textOf(found)];
  return [...inFile.filter((one) => !b.has(String(one))), ...found.filter((one) => !a.has(String(one)))].map(
    ([epoch]) => epoch ?? 0,
  );
}

it('has the same days, hours and changes as the tz database, in every zone from 1970 to 2037', () => {
  findZoneFiles();
  const names = [...new Set([...zoneNames(), ...Intl.supportedValuesOf('timeZone')])].filter(
    (name) => !NO_ZONES.has(name),
  );
  const totals = { zones: 0, changes: 0, days: 0 };
  const differing: string[] = [];
  const problems: string[] = [];
  for (const name of names) {
    const file = readZone(name);
    if (file === undefined) {
      problems.push(`${name}: the platform knows it, the files do not`);
      continue;
    }
    const different = differences(TimeZone.of(name), file);
    const explained = EXPLAINED[name];
    const differs = explained !== undefined && different.length > 0;
    if (differs) {
      differing.push(`${name}: ${different.length} changes (${explained.why})`);
      const last = Math.max(...different);
      if (last >= Date.UTC(explained.before, 0, 1))
        problems.push(`${name}: differs also at ${new Date(last).toISOString()}`);
    }
    // What has not been explained differs in the check too.
    const checked = checkZone(name, file, SEED, differs ? Date.UTC(explained.before, 0, 3) : FROM);
    totals.zones++;
    totals.changes += checked.changes;
    totals.days += checked.days;
    problems.push(...checked.problems.slice(0, 5));
  }
  console.log(
    `time zones: platform ${process.versions['tz'] ?? 'of no known version'}, files ${zoneDataVersion() ?? 'of no known version'}; `
      + `${totals.zones} zones, ${totals.changes} changes, ${totals.days} days agree`,
  );
  for (const line of differing) console.log(`  differs: ${line}`);
  expect(problems).toEqual([]);
  expect(totals.zones).toBeGreaterThan(550);
  expect(totals.changes).toBeGreaterThan(25_000);
});
