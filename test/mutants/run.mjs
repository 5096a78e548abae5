/**
 * npm run mutants [-- name ...] [-- --bugs folder] [-- --find]: plants each bug of test/mutants/*.bug in a clean copy of the project
 * and runs the test that must catch it.
 *
 *   Bug: what is wrong, and what it would do to a user
 *   Caught by: test/src/base/time.test.ts        (one or more test files; test/prove/** with the prove configuration)
 *   File: src/base/time.ts
 *   Replace:
 *   code that stands once in the file
 *   With:
 *   other code, or nothing
 *
 * With --find it only looks whether every bug has its place in the code.
 *
 * File, Replace and With may come again, for bugs in several places. White space and trailing commas do not count when
 * the code is looked for, so that formatting a file anew breaks no bug.
 *
 * Invariants
 *  1. The named tests pass on the clean copy first: a test that fails anyway catches nothing.
 *  2. Caught means: tests ran and at least one failed, or they hung beyond their box. Everything else (survived, does
 *     not apply, does not build, no test ran) fails the run.
 *  3. The project's own files are never touched; the copies are temporary and share node_modules.
 */
import { spawn } from 'node:child_process';
import {
  cpSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join, relative, resolve, sep } from 'node:path';
import { fileURLToPath } from 'node:url';

const WORKERS = 2;
const MINUTES_MAX = 5;
/** For all named tests on a clean copy, one after the other. */
const CLEAN_MINUTES_MAX = 15;
const LEFT_OUT = new Set(['node_modules', 'dist', 'out', '.git', '.millrace']);
const root = fileURLToPath(new URL('../..', import.meta.url));

/** Runs a program to its end or its box; answers its exit code (undefined: stopped) and all that it printed. */
function run(command, args, cwd, minutes = MINUTES_MAX) {
  const inherited = Object.entries(process.env).filter(([name]) => !/^(GIT_|VITEST)/.test(name));
  const env = { ...Object.fromEntries(inherited), NO_COLOR: '1', FORCE_COLOR: '0' };
  return new Promise((done) => {
    // A group of its own, so that what it has started ends with it.
    const child = spawn(command, args, { cwd, env, stdio: ['ignore', 'pipe', 'pipe'], detached: true });
    let printed = '';
    let stopped = false;
    child.stdout.on('data', (bytes) => (printed += bytes));
    child.stderr.on('data', (bytes) => (printed += bytes));
    const box = setTimeout(() => {
      stopped = true;
      if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL');
    }, minutes * 60_000);
    child.on('error', (error) => (printed += error.message));
    child.on('close', (code) => {
      clearTimeout(box);
      done({ code: stopped ? undefined : code, printed });
    });
  });
}

/** A copy of the tree, kernels included, with node_modules shared. */
function copyTree() {
  const folder = mkdtempSync(join(tmpdir(), 'millrace-mutants-'));
  cpSync(root, folder, { recursive: true, filter: (from) => !LEFT_OUT.has(relative(root, from).split(sep)[0]) });
  symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'));
  // Commands that tests start as processes are those of the clean build: a bug in them is caught by other tests.
  for (const name of ['src', 'node']) cpSync(join(root, 'dist', name), join(folder, 'dist', name), { recursive: true });
  restoreKernels(folder);
  return folder;
}

function restoreKernels(folder) {
  for (const name of ['kernels.wasm', 'kernels.js', 'kernels-core.js'])
    cpSync(join(root, 'dist', name), join(folder, 'dist', name));
}

function readBug(path) {
  const text = readFileSync(path, 'utf8');
  const bug = /^Bug: (.+)$/m.exec(text)?.[1];
  const tests = /^Caught by: (.+)$/m
    .exec(text)?.[1]
    ?.split(/[\s,]+/)
    .filter((word) => word !== '');
  if (bug === undefined || tests === undefined)
    throw new Error(`${basename(path)} must begin with 'Bug: …' and 'Caught by: …'`);
  const missing = tests.filter((test) => !existsSync(join(root, test)));
  if (missing.length > 0) throw new Error(`${basename(path)} names ${missing.join(', ')}, which is not there`);
  const changes = [...text.matchAll(/^File: (.+)\nReplace:\n([^]*?)\nWith:\n?([^]*?)(?=\n?^File: |$(?![^]))/gm)].map(
    ([, file, from, to]) => ({ file: file.trim(), from, to }),
  );
  if (changes.length === 0) throw new Error(`${basename(path)} must say 'File: …', 'Replace:' and 'With:'`);
  const touchesKernels = changes.some(({ file }) => file.startsWith('assembly/'));
  return { name: basename(path, '.bug'), bug, tests, changes, touchesKernels };
}

/** Code without white space and trailing commas, and where each character of it stands. */
function squeezed(code) {
  const places = [];
  let text = '';
  for (let i = 0; i < code.length; i++) {
    const isTrailing = code[i] === ',' && /^\s*[)\]}]/.test(code.slice(i + 1, i + 200));
    if (isTrailing || /\s/.test(code[i])) continue;
    text += code[i];
    places.push(i);
  }
  return { text, places };
}

/** The code with its one occurrence of `from` replaced; undefined when there is none, or more than one. */
function replaced(code, from, to) {
  const all = squeezed(code);
  const { text } = squeezed(from);
  const at = all.text.indexOf(text);
  if (text === '' || at < 0 || all.text.indexOf(text, at + 1) >= 0) return undefined;
  return code.slice(0, all.places[at]) + to + code.slice(all.places[at + text.length - 1] + 1);
}

/** The files that the bug changes, before and after; undefined when a place is not found. */
function planted({ changes }, folder) {
  const before = new Map();
  const after = new Map();
  for (const { file, from, to } of changes) {
    const path = join(folder, file);
    if (!before.has(path)) {
      if (!existsSync(path)) return undefined;
      before.set(path, readFileSync(path, 'utf8'));
      after.set(path, before.get(path));
    }
    const changed = replaced(after.get(path), from, to);
    if (changed === undefined) return undefined;
    after.set(path, changed);
  }
  return { before, after };
}

/** Plants the bug; answers what the files held before, or undefined when a place is not found. */
function plant(bug, folder) {
  const files = planted(bug, folder);
  for (const [path, code] of files?.after ?? []) writeFileSync(path, code);
  return files?.before;
}

function requirePlaces(bugs) {
  const lost = bugs.filter((bug) => planted(bug, root) === undefined).map(({ name }) => name);
  if (lost.length > 0) throw new Error(`the code that these replace is not there, or there twice: ${lost.join(', ')}`);
}

/** Numbers of tests that passed and failed; undefined when none were counted, or the run was stopped. */
async function runTests(tests, cwd, minutes = MINUTES_MAX) {
  const config = tests.some((test) => test.startsWith('test/prove/'))
    ? 'test/vitest.prove.config.ts'
    : 'test/vitest.config.ts';
  const vitest = join(root, 'node_modules', 'vitest', 'vitest.mjs');
  const { code, printed } = await run(process.execPath, [vitest, 'run', '--config', config, ...tests], cwd, minutes);
  if (code === undefined) return { hung: true, printed };
  const counted = /^(\d+) passed, (\d+) failed$/m.exec(printed);
  return { hung: false, printed, passed: Number(counted?.[1] ?? 0), failed: Number(counted?.[2] ?? 0) };
}

async function judge(bug, folder) {
  const before = plant(bug, folder);
  if (before === undefined) return 'does not apply';
  try {
    if (bug.touchesKernels && (await run(process.execPath, ['assembly/build.mjs', '--force'], folder)).code !== 0)
      return 'does not build';
    const { hung, passed, failed } = await runTests(bug.tests, folder);
    if (hung) return 'caught (hung)';
    if (passed + failed === 0) return 'no test ran';
    return failed > 0 ? 'caught' : 'SURVIVED';
  } finally {
    for (const [path, code] of before) writeFileSync(path, code);
    if (bug.touchesKernels) restoreKernels(folder);
  }
}

/** The named tests on clean copies. Answers what failed, or undefined. */
async function checkClean(bugs, folder) {
  const all = [...new Set(bugs.flatMap(({ tests }) => tests))];
  for (const group of [
    all.filter((test) => !test.startsWith('test/prove/')),
    all.filter((test) => test.startsWith('test/prove/')),
  ]) {
    if (group.length === 0) continue;
    const { hung, passed, failed, printed } = await runTests(group, folder, CLEAN_MINUTES_MAX);
    if (hung) return `${printed}\nnot done after ${CLEAN_MINUTES_MAX} minutes`;
    if (failed > 0 || passed === 0) return printed;
  }
  return undefined;
}

async function judgeAll(bugs, folders) {
  const verdicts = new Map();
  const waiting = [...bugs];
  const work = async (folder) => {
    for (let bug = waiting.shift(); bug !== undefined; bug = waiting.shift()) {
      const start = Date.now();
      verdicts.set(bug.name, await judge(bug, folder));
      console.log(
        `${verdicts.get(bug.name).padEnd(15)} ${bug.name} (${((Date.now() - start) / 1000).toFixed(1)} s)  ${bug.bug}`,
      );
    }
  };
  await Promise.all(folders.map(work));
  return bugs.map((bug) => ({ bug, verdict: verdicts.get(bug.name) }));
}

async function main(words) {
  const at = words.indexOf('--bugs');
  const folder = at < 0 ? join(root, 'test', 'mutants') : resolve(words[at + 1]);
  const names = words.filter((word, i) => !word.startsWith('--') && (at < 0 || i !== at + 1));
  const found = readdirSync(folder)
    .filter((name) => name.endsWith('.bug'))
    .sort();
  const chosen = found.filter((name) => names.length === 0 || names.includes(basename(name, '.bug')));
  if (chosen.length === 0)
    throw new Error(`no bug in ${folder}${names.length === 0 ? '' : ` is called ${names.join(', ')}`}`);
  const bugs = chosen.map((name) => readBug(join(folder, name)));
  if (words.includes('--find')) {
    requirePlaces(bugs);
    console.log(`${bugs.length} bugs can be planted`);
    return 0;
  }
  const build = await run(process.execPath, ['assembly/build.mjs'], root);
  if (build.code !== 0) throw new Error(`the kernels do not build:\n${build.printed}`);
  const tsc = join(root, 'node_modules', 'typescript', 'bin', 'tsc');
  const compiled = await run(process.execPath, [tsc, '-b', 'node', 'web'], root);
  if (compiled.code !== 0) throw new Error(`it does not compile:\n${compiled.printed}`);
  const copies = Array.from({ length: Math.min(WORKERS, bugs.length) }, copyTree);
  try {
    const broken = await checkClean(bugs, copies[0]);
    if (broken !== undefined) throw new Error(`the tests fail without any bug planted:\n${broken}`);
    const judged = await judgeAll(bugs, copies);
    const bad = judged.filter(({ verdict }) => !verdict.startsWith('caught'));
    console.log(`${judged.length - bad.length} of ${judged.length} planted bugs caught`);
    for (const { bug, verdict } of bad) console.log(`  ${verdict}: ${bug.name} (${bug.tests.join(' ')})`);
    return bad.length === 0 ? 0 : 1;
  } finally {
    for (const copy of copies) rmSync(copy, { recursive: true, force: true });
  }
}

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  console.error(error.message);
  process.exitCode = 1;
}
