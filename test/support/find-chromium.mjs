/**
 * Finds a Chrome or Chromium for the browser tests: `node test/support/find-chromium.mjs` prints its path.
 *
 * Looked up in this order: the environment's CHROME, names on PATH, places where systems install it, what Playwright has
 * downloaded. When there is none, and this is Debian or Ubuntu with rights to install, the package `chromium` is installed.
 * Otherwise it says how to get one, and fails.
 */
import { spawnSync } from 'node:child_process';
import { accessSync, constants, existsSync, readdirSync } from 'node:fs';
import { homedir } from 'node:os';
import { delimiter, join } from 'node:path';
import { pathToFileURL } from 'node:url';

const NAMES = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable', 'chrome'];
const PLACES = [
  '/usr/bin/chromium',
  '/usr/lib/chromium/chromium',
  '/opt/google/chrome/chrome',
  '/snap/bin/chromium',
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
  '/Applications/Chromium.app/Contents/MacOS/Chromium',
  'C:\\Program Files\\Google\\Chrome\\Application\\chrome.exe',
  'C:\\Program Files (x86)\\Google\\Chrome\\Application\\chrome.exe',
];

const runs = (path) => {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
};

/** The browser that is there, or undefined. */
export function installedChromium() {
  const asked = process.env['CHROME'];
  if (asked !== undefined && asked !== '') {
    if (!runs(asked)) throw new Error(`CHROME is '${asked}', which cannot be run`);
    return asked;
  }
  const onPath = (process.env['PATH'] ?? '')
    .split(delimiter)
    .flatMap((folder) => NAMES.map((name) => join(folder, name)));
  return [...onPath, ...PLACES, ...downloaded()].find(runs);
}

/** Browsers in Playwright's cache, newest first. */
function downloaded() {
  const cache = process.env['PLAYWRIGHT_BROWSERS_PATH'] ?? join(homedir(), '.cache', 'ms-playwright');
  if (!existsSync(cache)) return [];
  const builds = readdirSync(cache).filter((name) => name.startsWith('chromium-'));
  const builtAt = (name) => Number(name.slice('chromium-'.length));
  return builds.sort((a, b) => builtAt(b) - builtAt(a)).map((name) => join(cache, name, 'chrome-linux', 'chrome'));
}

/** The browser to use; installs one where it can. Throws with instructions when there is none to be had. */
export function findChromium() {
  const found = installedChromium() ?? (installed() ? installedChromium() : undefined);
  if (found !== undefined) return found;
  throw new Error(
    'No Chrome or Chromium found. Install one (Debian: apt-get install chromium; macOS: brew install --cask chromium; '
      + 'anywhere: npx playwright-core install chromium), or set CHROME to the path of its program.',
  );
}

function installed() {
  if (!existsSync('/etc/debian_version') || process.getuid?.() !== 0) return false;
  const options = { stdio: ['ignore', 2, 2], env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' } };
  console.error('no Chromium found: installing the package chromium');
  const install = () =>
    spawnSync('apt-get', ['install', '-y', '--no-install-recommends', 'chromium'], options).status === 0;
  if (install()) return true;
  return spawnSync('apt-get', ['update'], options).status === 0 && install();
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  try {
    console.log(findChromium());
  } catch (error) {
    console.error(error.message);
    process.exitCode = 1;
  }
}
