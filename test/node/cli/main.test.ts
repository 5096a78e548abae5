/** The command line end to end: every bad job with its message, hint and exit code, and what its state looks like afterwards. */
import { execFileSync } from 'node:child_process';
import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Answer, JobFolder, jobText, rowLines } from '../../support/cli.ts';

/** Pauses long enough that a signal meets the job at work. */
const SLOWLY = ['--throttle', '50 ms', '--batch-rows', '4', '--checkpoint-every', '20 ms'];

let folder: JobFolder;

beforeEach(() => {
  folder = new JobFolder();
  folder.write('in/a.ndjson', rowLines(400));
  folder.write('job.ts', jobText());
});

afterEach(() => folder.remove());

/** Code, message and hint; the message stands on the first line and the hint on the last. */
function expectError(answer: Answer, exit: number, code: string, message: string, hint: string): void {
  const lines = answer.err.trimEnd().split('\n');
  expect(answer.code, answer.err).toBe(exit);
  expect(lines.find((line) => line.startsWith('error['))).toContain(`error[${code}]`);
  expect(answer.err).toContain(message);
  expect(lines.at(-1)).toContain(hint);
  expect(answer.err).not.toMatch(/\n\s+at .*:\d+:\d+/);
}

it("runs a job that imports a module of Node's by its bare name", async () => {
  folder.write(
    'job.ts',
    `import { readFileSync } from 'fs';\n${jobText()}\nif (readFileSync === undefined) throw new Error();\n`,
  );
  const answer = await folder.millrace('run', 'job.ts');
  expect(answer.code, answer.err).toBe(0);
});

describe('a job that cannot work', () => {
  it.each([
    ['an unknown column', { key: 'keys' }, 'E1203', "unknown column 'keys' in keyBy", "Did you mean 'key'?"],
    [
      'a column of the wrong type',
      { summed: 'key' },
      'E1204',
      "column 'key' is utf8, but sum in aggregate needs a number",
      'would do: n',
    ],
    [
      'no file to read',
      { input: 'inn/*.ndjson' },
      'E1504',
      "no file matches 'inn/*.ndjson'",
      'patterns are relative to',
    ],
    [
      'the state of another job',
      { name: 'other' },
      'E1402',
      "belongs to job 'sums', not 'other'",
      'a state folder of its own',
    ],
  ])('with %s is refused, and its state stays byte for byte', async (_, wrong, code, message, hint) => {
    expect((await folder.millrace('run', 'job.ts', '--state', 'state')).code).toBe(0);
    const before = [folder.hashes('state'), folder.hashes('out')];
    folder.write('job.ts', jobText(wrong));
    expectError(await folder.millrace('run', 'job.ts', '--state', 'state'), 2, code, message, hint);
    expect([folder.hashes('state'), folder.hashes('out')]).toEqual(before);
  });

  it('names the line of the mistake and shows it', async () => {
    folder.write('job.ts', jobText({ key: 'keys' }));
    const { err } = await folder.millrace('run', 'job.ts');
    expect(err).toContain(`${join(folder.path, 'job.ts')}:7  .keyBy('keys')`);
  });

  it('because its input cannot be read says why, and its state stays byte for byte', async () => {
    await folder.millrace('run', 'job.ts', '--state', 'state');
    const before = folder.hashes('state');
    const answer = await unreadable(folder);
    expect(answer.code, answer.err).toBe(1);
    expect(answer.err).toContain('error[E1501] cannot read');
    expect(answer.err).toMatch(/permission denied \(EACCES\)|a link leads back to itself \(ELOOP\)/);
    expect(folder.hashes('state')).toEqual(before);
  });

  it('because its memory is too small says what took it and keeps the last checkpoint', async () => {
    folder.write('in/a.ndjson', rowLines(50_000, 40_000, 0));
    const answer = await folder.millrace('run', 'job.ts', '--state', 'state', '--memory', '256 KB');
    expectError(answer, 2, 'E1302', 'state needs more memory than its budget', 'Allow more memory');
    expect(answer.err).toContain('largest: windowAggregate');
    expect((await folder.millrace('run', 'job.ts', '--state', 'state')).code).toBe(0);
    expect(folder.output('out').split('\n').length).toBeGreaterThan(40_000);
  });

  it('because its file does not parse, is missing or exports no job names the file', async () => {
    folder.write('broken.ts', 'export default from(\n');
    expectError(await folder.millrace('run', 'broken.ts'), 2, 'E1602', 'cannot be run', 'broken.ts:');
    expectError(await folder.millrace('run', 'none.ts'), 2, 'E1602', 'there is no such file', '.ts');
    folder.write('empty.ts', 'export const job = 1;\n');
    expectError(await folder.millrace('run', 'empty.ts'), 2, 'E1602', 'no default export', 'export default');
    folder.write('throws.ts', "const a = 1;\nthrow new Error('no credentials');\nexport default a;\n");
    const answer = await folder.millrace('run', 'throws.ts');
    expectError(answer, 2, 'E1602', 'no credentials', 'runs when the job is loaded');
    expect(answer.err).toContain("throws.ts:2  throw new Error('no credentials');");
  });
});

/** Runs on a folder that the system does not open: by its permissions, or, for who may open everything, as it leads to itself. */
async function unreadable(at: JobFolder): Promise<Answer> {
  const input = join(at.path, 'in');
  renameSync(input, join(at.path, 'kept'));
  if (process.getuid?.() === 0) symlinkSync('in', input);
  else mkdirSync(input, { mode: 0 });
  return at.millrace('run', 'job.ts', '--state', 'state');
}

describe('damaged state', () => {
  const checkpoints = (): string[] =>
    readdirSync(join(folder.path, 'state'))
      .filter((name) => name.startsWith('checkpoint-'))
      .sort();

  function damage(name: string): void {
    const path = join(folder.path, 'state', name);
    const bytes = readFileSync(path);
    bytes[bytes.length - 20] = (bytes[bytes.length - 20] ?? 0) ^ 1;
    writeFileSync(path, bytes);
  }

  it('in every checkpoint is refused with the list of what is wrong, and nothing is changed', async () => {
    await folder.millrace('run', 'job.ts', '--state', 'state');
    for (const name of checkpoints()) damage(name);
    const before = [folder.hashes('state'), folder.hashes('out')];
    const answer = await folder.millrace('run', 'job.ts', '--state', 'state');
    expectError(answer, 2, 'E1401', 'no checkpoint in it is whole', 'Bring the files back from a copy');
    for (const name of checkpoints()) expect(answer.err).toContain(`${name}: its checksum does not match`);
    expect([folder.hashes('state'), folder.hashes('out')]).toEqual(before);
  });

  it('in the newest checkpoint is reported; the one before it is used, and the output is the same', async () => {
    await folder.start(['run', 'job.ts', '--state', 'state', ...SLOWLY]).answer;
    const expected = folder.output('out');
    const newest = checkpoints().at(-1) ?? '';
    damage(newest);
    const inspected = await folder.millrace('inspect', 'state');
    expect(inspected.code).toBe(1);
    expect(inspected.out).toContain('DAMAGED: its checksum does not match');
    expect(inspected.out).toContain('newest whole one');
    const answer = await folder.millrace('run', 'job.ts', '--state', 'state');
    expect(answer.err).toContain(
      `checkpoint ${newest} is damaged (its checksum does not match); an earlier one is used`,
    );
    expect(folder.output('out')).toBe(expected);
  });

  it('is shown by inspect as JSON', async () => {
    await folder.millrace('run', 'job.ts', '--state', 'state');
    const whole = await folder.millrace('inspect', 'state', '--json');
    expect(whole.code).toBe(0);
    const inspection: { job: string; newest: { finished: boolean }; checkpoints: unknown[] } = JSON.parse(whole.out);
    expect(inspection).toMatchObject({ job: 'sums', newest: { finished: true } });
    expect(inspection.checkpoints).toHaveLength(2);
    for (const name of checkpoints()) damage(name);
    expect((await folder.millrace('inspect', 'state', '--json')).code).toBe(1);
    expectError(await folder.millrace('inspect', 'nowhere'), 2, 'E1401', 'there is no such folder', '.millrace/');
  });
});

describe('a disk that is full', () => {
  it('ends the job with what to do, and the job continues with the same output when there is room', async () => {
    folder.write('in/a.ndjson', rowLines(60_000, 20_000, 0));
    await folder.millrace('run', 'job.ts', '--state', 'state');
    const expected = folder.output('out');
    const again = new JobFolder();
    const disk = smallDisk();
    try {
      again.write('in/a.ndjson', folder.read('in/a.ndjson'));
      again.write('job.ts', jobText());
      const state = disk.path ?? 'state';
      const answer = await again.start(
        // Small batches make many turns, and so many checkpoints, however fast the machine is.
        ['run', 'job.ts', '--state', state, '--checkpoint-every', '1 ms', '--throttle', '5 ms', '--batch-rows', '50'],
        disk.limit,
      ).answer;
      console.log(`the disk was full by ${disk.by}`);
      expect(answer.code).toBe(1);
      expect(answer.err).toContain('error[E1502] cannot write');
      expect(answer.err).toMatch(/no space is left \(ENOSPC\)|a limit of this user, allows \(EFBIG\)/);
      expect(answer.err).toContain('the job continues from its last checkpoint');
      disk.grow();
      expect((await again.millrace('run', 'job.ts', '--state', state)).code).toBe(0);
      expect(again.output('out')).toBe(expected);
    } finally {
      disk.remove();
      again.remove();
    }
  });
});

interface SmallDisk {
  readonly by: string;
  /** Where its room is; undefined: everywhere, for who starts with `limit`. */
  readonly path: string | undefined;
  readonly limit: string;
  grow(): void;
  remove(): void;
}

/** A file system of its own where mounting is permitted, else a limit on what one file may hold. */
function smallDisk(): SmallDisk {
  const path = mkdtempSync(join(tmpdir(), 'millrace-full-'));
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=256k', 'tmpfs', path], { stdio: 'ignore' });
  } catch {
    rmSync(path, { recursive: true });
    return {
      by: 'ulimit -f',
      path: undefined,
      limit: 'ulimit -f 128; exec',
      grow: () => undefined,
      remove: () => undefined,
    };
  }
  return {
    by: 'a tmpfs of 256 KB',
    path,
    limit: '',
    grow: () => void execFileSync('mount', ['-o', 'remount,size=64m', path]),
    remove: () => {
      execFileSync('umount', [path]);
      rmSync(path, { recursive: true });
    },
  };
}

describe('signals', () => {
  async function undisturbed(): Promise<string> {
    const other = new JobFolder();
    try {
      cpSync(join(folder.path, 'in'), join(other.path, 'in'), { recursive: true });
      other.write('job.ts', jobText());
      expect((await other.millrace('run', 'job.ts')).code).toBe(0);
      return other.output('out');
    } finally {
      other.remove();
    }
  }

  it.each(['SIGINT', 'SIGTERM'] as const)(
    '%s finishes a checkpoint, and the same command continues to the same output',
    async (signal) => {
      folder.write('in/a.ndjson', rowLines(20_000));
      const expected = await undisturbed();
      const running = folder.start(['run', 'job.ts', '--state', 'state', '--metrics', ...SLOWLY]);
      await firstPart(folder);
      running.child.kill(signal);
      const stopped = await running.answer;
      expect(stopped.code, stopped.err).toBe(130);
      expect(stopped.err).toContain('Suspended. Continue with: millrace run job.ts --state state');
      const atStop = folder.output('out');
      expect(expected.startsWith(atStop)).toBe(true);
      expect(atStop.length).toBeLessThan(expected.length);
      const continued = await folder.millrace('run', 'job.ts', '--state', 'state');
      expect(continued.code).toBe(0);
      expect(continued.err).toContain('continuing from checkpoint');
      expect(folder.output('out')).toBe(expected);
    },
  );

  it('a finished job says so when it is run again, and changes nothing', async () => {
    await folder.millrace('run', 'job.ts', '--state', 'state');
    const before = folder.hashes('out');
    const again = await folder.millrace('run', 'job.ts', '--state', 'state');
    expect(again.code).toBe(0);
    expect(again.err).toContain('finished');
    expect(folder.hashes('out')).toEqual(before);
  });
});

/** Waits for the first part file: the job has begun and a checkpoint is complete. */
async function firstPart(at: JobFolder): Promise<void> {
  const { setTimeout: pause } = await import('node:timers/promises');
  const isThere = (): boolean =>
    at.exists('out') && readdirSync(join(at.path, 'out')).some((name) => name.startsWith('part-'));
  while (!isThere()) await pause(5);
}

describe('the command line', () => {
  it('prints help to stdout, for itself and for every command', async () => {
    const all = await folder.millrace('--help');
    expect(all.code).toBe(0);
    for (const command of ['run', 'explain', 'inspect']) {
      expect(all.out).toContain(`  ${command}`);
      const help = await folder.millrace(command, '--help');
      expect(help).toMatchObject({ code: 0, err: '' });
      expect(help.out).toContain(`millrace ${command} <`);
    }
    expect((await folder.millrace('run', '--help')).out).toContain(
      'Exit codes: 0 finished, 1 failed, 2 wrong job or options, 130',
    );
  });

  it('refuses what it does not know with exit code 2', async () => {
    expect((await folder.millrace()).code).toBe(2);
    expect(await folder.millrace('rum')).toMatchObject({ code: 2, err: expect.stringContaining("no command 'rum'") });
    expect((await folder.millrace('run')).code).toBe(2);
    expectError(
      await folder.millrace('run', 'job.ts', '--stat', 'x'),
      2,
      'E1601',
      'no option --stat',
      'Did you mean --state?',
    );
    expectError(
      await folder.millrace('run', 'job.ts', '--state'),
      2,
      'E1604',
      "Option '--state <value>' argument missing",
      'millrace run --help',
    );
    expectError(await folder.millrace('run', 'job.ts', '-x'), 2, 'E1604', "Unknown option '-x'", 'millrace run --help');
    expectError(
      await folder.millrace('run', 'job.ts', '--retained', '0'),
      2,
      'E1006',
      "--retained must be a whole number from 1 on, but is '0'",
      '--help',
    );
    expect((await folder.millrace('run', 'job.ts', '--memory', 'lots')).err).toContain(
      "error[E1002] 'lots' is not a size for memory",
    );
    expect((await folder.millrace('run', 'job.ts', '--checkpoint-every', '5 parsecs')).err).toContain('error[E1001]');
    expect(folder.exists('out')).toBe(false);
  });

  it('explains a job without running it', async () => {
    const explained = await folder.millrace('explain', 'job.ts');
    expect(explained.code).toBe(0);
    expect(explained.out).toContain('rows');
    expect(explained.out).toContain('total = sum(n)');
    expect(folder.exists('out')).toBe(false);
  });

  it('tells each module of a job where it lies, not where it is bundled, and keeps its lines', async () => {
    folder.write('jobs/places.ts', 'export const out: string = new URL("../out", import.meta.url).pathname;\n');
    folder.write(
      'jobs/job.ts',
      `import { out } from './places.ts';\n${jobText()
        .replace("'in/*.ndjson'", '`${import.meta.dirname}/../in/*.ndjson`')
        .replace("'out'", 'out')
        .replace("'sums'", 'import.meta.filename.slice(-6)')}`,
    );
    const { code, err } = await folder.millrace('run', 'jobs/job.ts', '--no-state');
    expect([code, err]).toEqual([0, expect.any(String)]);
    expect(folder.output('out')).not.toBe('');
    folder.write('jobs/job.ts', '#!/usr/bin/env node\nthrow new Error(import.meta.url);\nexport default 1;\n');
    const failed = await folder.millrace('run', 'jobs/job.ts');
    expect(failed.err).toContain(pathToFileURL(join(folder.path, 'jobs/job.ts')).href);
    expect(failed.err).toContain('job.ts:2  throw new Error');
  });

  it('runs quietly, and prints all metrics as JSON when asked', async () => {
    expect(await folder.millrace('run', 'job.ts', '--quiet')).toEqual({ code: 0, out: '', err: '' });
    renameSync(join(folder.path, 'out'), join(folder.path, 'before'));
    const { err } = await folder.millrace('run', 'job.ts', '--no-state', '--quiet', '--metrics');
    expect(Object.keys(JSON.parse(err))).not.toEqual([]);
    expect(folder.output('out')).toBe(folder.output('before'));
  });
});
