/** The compiled tz database of the system: that of Debian's package `tzdata`, installed when it is missing and may be. */
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { readZone, ZONE_FOLDER } from '../oracle/zone-file.ts';

/** Its files reach to 2037 change by change; others leave that to a rule. */
const reaches2037 = (): boolean => (readZone('America/New_York')?.changes.at(-1)?.epoch ?? 0) > Date.UTC(2037, 0, 1);

/** The folder of the zones. Throws with instructions when there is none to be had. */
export function findZoneFiles(): string {
  if (reaches2037() || (installed() && reaches2037())) return ZONE_FOLDER;
  throw new Error(
    `No time-zone files up to 2037 in ${ZONE_FOLDER}. Install them (Debian: apt-get install tzdata; others: zic -b fat).`,
  );
}

function installed(): boolean {
  if (!existsSync('/etc/debian_version') || process.getuid?.() !== 0) return false;
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  const install = (): boolean =>
    spawnSync('apt-get', ['install', '-y', '--no-install-recommends', '--reinstall', 'tzdata'], {
      stdio: ['ignore', 2, 2],
      env,
    }).status === 0;
  if (install()) return true;
  return spawnSync('apt-get', ['update'], { stdio: ['ignore', 2, 2], env }).status === 0 && install();
}
