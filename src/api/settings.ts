/** Options of `run` that all hosts share, checked, and the settings of the runtime that they mean. */
import { formatBytes, type Size, sizeBytes } from '../base/bytes.ts';
import { type Duration, positiveDurationMs } from '../base/time.ts';
import { BATCH_ROWS_MAX } from '../data/record-batch.ts';
import { DEFAULT_SETTINGS, type JobSettings, STATE_BYTES_MAX } from '../runtime/job-settings.ts';
import type { LagMode } from '../runtime/lag/lag-figures.ts';
import { mistake } from '../base/mistake.ts';
import { requireKnownOptions } from './options.ts';

/** How a job runs, in every host: how often it is saved, how much memory it may take. */
export interface RunSettings {
  /** Time between checkpoints, 10 s unless said otherwise. Sinks make their rows visible at checkpoints. */
  readonly checkpointEvery?: Duration;
  /** Bytes that state may take, 256 MB unless said otherwise, at most 3.5 GB. A job that needs more fails with E1302. */
  readonly memory?: Size;
  /** Checkpoints kept, 2 unless said otherwise. */
  readonly retained?: number;
  /** Rows in a batch, at most 4,096. Results do not depend on it. */
  readonly batchRows?: number;
  /**
   * How lag is measured: 'endToEnd' from the event to its effect unless said otherwise; 'processing' is what the engine needs;
   * 'off' follows nothing.
   */
  readonly lag?: LagMode;
  /** An alert is raised when state will have used up its memory within so long: '15 minutes' unless said otherwise. */
  readonly stateAlert?: Duration | 'off';
  /** What the job is called when it has no name of its own. */
  readonly name?: string;
  /** What its state is called, or where it lies. Without it nothing survives. */
  readonly state?: string;
}

const OPTIONS = 'checkpointEvery memory retained batchRows lag stateAlert name state'.split(' ');

/**
 * Throws UserError for what cannot be: E1001 and E1003 for durations, E1002 and E1003 for sizes, E1006 for the rest, E1009 for
 * an option that is neither here nor among the host's own.
 */
export function settingsOf(options: RunSettings, own: readonly string[] = []): JobSettings {
  requireKnownOptions(options, [...OPTIONS, ...own], 'run');
  const { name = 'job', state = 'none', ...given } = options;
  for (const text of [name, state])
    if (typeof text !== 'string' || text === '') throw mistake('name and state of run', 'text', text);
  const {
    checkpointEvery = '10 s',
    memory = '256 MB',
    retained = DEFAULT_SETTINGS.retained,
    batchRows = BATCH_ROWS_MAX,
    lag = DEFAULT_SETTINGS.lag,
    stateAlert = '15 minutes',
  } = given;
  const stateBytes = sizeBytes(memory, 'memory');
  if (stateBytes > STATE_BYTES_MAX) throw mistake('memory', `at most ${formatBytes(STATE_BYTES_MAX)}`, memory);
  if (!['endToEnd', 'processing', 'off'].includes(lag)) throw mistake('lag', "'endToEnd', 'processing' or 'off'", lag);
  return {
    ...DEFAULT_SETTINGS,
    checkpointEveryMs: positiveDurationMs(checkpointEvery, 'checkpointEvery'),
    stateBytes,
    retained: whole('retained', retained, 1e6),
    batchRows: whole('batchRows', batchRows, BATCH_ROWS_MAX),
    lag,
    stateAlertMs: stateAlert === 'off' ? undefined : positiveDurationMs(stateAlert, 'stateAlert'),
  };
}

function whole(what: string, given: number, most: number): number {
  if (Number.isInteger(given) && given >= 1 && given <= most) return given;
  throw mistake(what, `a whole number from 1 to ${most}`, given);
}
