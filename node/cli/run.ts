/**
 * `millrace run`: runs a job file with progress on a terminal, quietly in a pipe. Ctrl-C finishes a checkpoint and says how
 * to continue; a second one stops at once.
 */
import { join } from 'node:path';
import type { Size } from '../../src/base/bytes.ts';
import { UserError } from '../../src/base/errors.ts';
import type { Duration } from '../../src/base/time.ts';
import type { RunningJob } from '../../src/platform.ts';
import { run } from '../run.ts';
import type { FileReadOptions, Rate } from '../connectors/read-options.ts';
import { type Arguments, formatOptions, type OptionSpec, readArguments } from './arguments.ts';
import { loadJob } from './load-job.ts';
import { bold, dim, EXIT, say } from './output.ts';
import { ProgressLine, summarize } from './progress.ts';

const OPTIONS: { readonly [name: string]: OptionSpec } = {
  state: { type: 'string', value: '<dir>', help: 'folder for checkpoints (default: .millrace/<job name>)' },
  'no-state': { type: 'boolean', help: 'keep nothing: a restart begins at the first record' },
  'checkpoint-every': { type: 'string', value: '<duration>', help: "time between checkpoints (default: '10 s')" },
  memory: { type: 'string', value: '<size>', help: "what state may take (default: '256 MB')" },
  retained: { type: 'string', value: '<n>', help: 'checkpoints kept (default: 2)' },
  'batch-rows': { type: 'string', value: '<n>', help: 'rows in a batch, at most 4096; never changes results' },
  chunk: { type: 'string', value: '<size>', help: "bytes read at once (default: '512 KB'); never changes results" },
  follow: { type: 'boolean', help: 'read files on as they grow, and new ones that match; end with Ctrl-C' },
  'start-at': {
    type: 'string',
    value: '<where>',
    help: "where a first start begins: an instant, a byte of the only file, or 'end'",
  },
  rate: { type: 'string', value: '<rate>', help: "at most so many rows, such as '1000 rows/s'" },
  sample: {
    type: 'string',
    value: '<share>',
    help: 'the share of rows that go on, such as 0.01: the same in each run',
  },
  'replay-dead-letters': {
    type: 'boolean',
    help: 'feed the dead letters of the state back, once (millrace dead-letters)',
  },
  throttle: {
    type: 'string',
    value: '<duration>',
    help: 'pause after each turn of work, to watch a job or kill it by hand',
  },
  metrics: { type: 'boolean', help: 'print all metrics as JSON to stderr at the end' },
  quiet: { type: 'boolean', help: 'print errors only' },
};

export const runHelp = `millrace run <job.ts|job.js|job.json> [options]

Runs the job that the file exports, until its input ends. Checkpoints are kept in the state folder: run the same command
again after Ctrl-C, a crash or kill -9, and it continues where the last checkpoint was, with every record counted once.

Options:
${formatOptions(OPTIONS)}

Exit codes: 0 finished, 1 failed, 2 wrong job or options, 130 stopped by Ctrl-C (run again to continue).
`;

export async function runCommand(args: readonly string[]): Promise<number> {
  const options = readArguments('run', args, OPTIONS);
  const [path] = options.positionals;
  if (path === undefined || options.positionals.length > 1) {
    say(runHelp);
    return EXIT.usage;
  }
  const { job, defaultName } = await loadJob(path);
  const name = job.name ?? defaultName;
  const state = options.flag('no-state') ? undefined : (options.text('state') ?? join('.millrace', name));
  const every = options.text('checkpoint-every');
  const memory = options.text('memory');
  const chunk = options.text('chunk');
  const throttle = options.text('throttle');
  const running = await run(job, {
    name,
    ...(state === undefined ? {} : { state }),
    // Texts from the command line: `run` checks their form and names the option.
    ...(every === undefined ? {} : { checkpointEvery: every as Duration }),
    ...(memory === undefined ? {} : { memory: memory as Size }), // likewise
    ...(throttle === undefined ? {} : { throttle: throttle as Duration }), // likewise
    ...(chunk === undefined ? {} : { chunk: chunk as Size }), // likewise
    reading: readingOf(options),
    replayDeadLetters: options.flag('replay-dead-letters'),
    ...whole(options.text('retained'), 'retained', '--retained'),
    ...whole(options.text('batch-rows'), 'batchRows', '--batch-rows'),
  });
  return follow(running, { path, state, quiet: options.flag('quiet'), metrics: options.flag('metrics') });
}

/** How the command line wants files read: texts, of which the sources check the form. */
function readingOf(options: Arguments): FileReadOptions {
  const startAt = options.text('start-at');
  const sample = options.text('sample');
  const rate = options.text('rate');
  return {
    ...(options.flag('follow') ? { follow: true } : {}),
    ...(startAt === undefined ? {} : { startAt: startAtOption(startAt) }),
    ...(rate === undefined ? {} : { rate: rate as Rate }), // checked where it is used
    ...(sample === undefined ? {} : { sample: Number(sample) }),
  };
}

function startAtOption(text: string): NonNullable<FileReadOptions['startAt']> {
  if (text === 'end') return 'end';
  return /^\d+$/.test(text) ? { offset: Number(text) } : { timestamp: text };
}

function whole<K extends 'retained' | 'batchRows'>(
  text: string | undefined,
  key: K,
  option: string,
): { readonly [key in K]?: number } {
  const value = Number(text);
  if (text !== undefined && (!Number.isInteger(value) || value < 1)) {
    throw new UserError(
      'E1006',
      { what: option, needs: 'a whole number from 1 on', got: `'${text}'` },
      { hint: 'See millrace run --help.' },
    );
  }
  // Both keys hold a number; the mapped type cannot be built from a computed key without saying so.
  return text === undefined ? {} : ({ [key]: value } as { readonly [key in K]: number });
}

interface Following {
  readonly path: string;
  readonly state: string | undefined;
  readonly quiet: boolean;
  readonly metrics: boolean;
}

async function follow(running: RunningJob, { path, state, quiet, metrics }: Following): Promise<number> {
  const interrupt = onInterrupt(running);
  const restored = running.restored;
  for (const { name, problem } of restored.damaged)
    say(`checkpoint ${name} is damaged (${problem}); an earlier one is used`);
  if (!quiet && restored.checkpoint !== undefined)
    say(dim(`continuing from checkpoint ${restored.checkpoint} in ${state}`));
  for (const text of restored.overruled) say(text);
  const line = quiet ? undefined : ProgressLine.start(running);
  try {
    const status = await running.done;
    line?.stop();
    if (!quiet) say(summarize(running, line?.seconds ?? 0, state));
    if (metrics) say(JSON.stringify(running.metrics()));
    if (status === 'finished') return EXIT.done;
    if (!quiet && state !== undefined)
      say(`${bold('Suspended.')} Continue with: millrace run ${path} --state ${state}`);
    return EXIT.suspended;
  } finally {
    line?.stop();
    interrupt.stop();
  }
}

function onInterrupt(running: RunningJob): { stop(): void } {
  let asked = false;
  const handle = (): void => {
    if (asked) process.exit(EXIT.suspended);
    asked = true;
    say('\nfinishing a checkpoint; Ctrl-C again stops at once');
    running.suspend().catch(() => undefined);
  };
  process.on('SIGINT', handle);
  return { stop: () => process.removeListener('SIGINT', handle) };
}
