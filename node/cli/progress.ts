/** The progress line on a terminal and the summary at the end. */
import { formatBytes } from '../../src/base/bytes.ts';
import { formatTime } from '../../src/base/time.ts';
import { TERMS } from '../../src/metrics/ledger.ts';
import type { RunningJob } from '../../src/platform.ts';
import { bold } from './output.ts';

const EVERY_MS = 250;
const DAY_MS = 86_400_000;
const count = (n: number): string => n.toLocaleString('en-US');

/** Redraws one line of stderr while the job runs; draws nothing when stderr is no terminal. */
export class ProgressLine {
  readonly #running: RunningJob;
  readonly #began = performance.now();
  readonly #timer: NodeJS.Timeout | undefined;
  #ended: number | undefined;
  #lastRecords = 0;
  #lastAt = performance.now();

  private constructor(running: RunningJob) {
    this.#running = running;
    this.#timer = process.stderr.isTTY ? setInterval(() => this.#draw(), EVERY_MS) : undefined;
  }

  static start(running: RunningJob): ProgressLine {
    return new ProgressLine(running);
  }

  get seconds(): number {
    return ((this.#ended ?? performance.now()) - this.#began) / 1000;
  }

  stop(): void {
    if (this.#ended !== undefined) return;
    this.#ended = performance.now();
    if (this.#timer === undefined) return;
    clearInterval(this.#timer);
    process.stderr.write('\r\u001b[K');
  }

  #draw(): void {
    const now = performance.now();
    const progress = this.#running.progress();
    const rate = ((progress.recordsIn - this.#lastRecords) * 1000) / Math.max(1, now - this.#lastAt);
    this.#lastRecords = progress.recordsIn;
    this.#lastAt = now;
    const parts = [
      `${count(progress.recordsIn)} records`,
      `${count(Math.round(rate))}/s`,
      share(progress.bytesRead, progress.bytesTotal),
      progress.watermark === undefined ? '' : `watermark ${formatTime(progress.watermark)}`,
      lagOf(this.#running),
      progress.late > 0 ? `${count(progress.late)} late` : '',
      `state ${formatBytes(progress.stateBytes)}`,
      `checkpoint ${progress.checkpoints}`,
      eta(progress.bytesRead, progress.bytesTotal, now - this.#began),
    ];
    process.stderr.write(`\r\u001b[K${parts.filter((part) => part !== '').join('  ')}`);
  }
}

/** Of the slowest sink; nothing where events are older than a day: they are read from an archive. */
function lagOf(running: RunningJob): string {
  const followed = Object.values(running.lag().sinks).filter(({ probes }) => probes > 0);
  const longest = Math.max(...followed.map(({ total }) => total.last));
  return followed.length === 0 || longest > DAY_MS ? '' : `lag ${(longest / 1000).toFixed(1)} s`;
}

function share(read: number, total: number | undefined): string {
  if (total === undefined || total === 0) return formatBytes(read);
  return `${formatBytes(read)} (${Math.floor((100 * read) / total)}%)`;
}

function eta(read: number, total: number | undefined, elapsedMs: number): string {
  if (total === undefined || read === 0 || read >= total) return '';
  return `ETA ${Math.ceil((elapsedMs * (total - read)) / read / 1000)} s`;
}

/** A few lines: how much, how fast, where records went. */
export function summarize(running: RunningJob, seconds: number, state: string | undefined): string {
  const progress = running.progress();
  const rate = seconds > 0 ? ` (${count(Math.round(progress.recordsIn / seconds))}/s)` : '';
  const lines = [
    `${bold(running.name)}: ${running.status} after ${seconds.toFixed(1)} s, ${count(progress.recordsIn)} records${rate}, ${progress.checkpoints} checkpoints`,
    ...Object.entries(running.ledger()).map(([operator, entry]) => {
      const terms = TERMS.filter((term) => entry[term] !== 0).map((term) => `${term} ${count(entry[term])}`);
      return `  ${operator.padEnd(28)} ${terms.join(', ')}`;
    }),
    ...running
      .deadLetters()
      .slice(0, 3)
      .map(
        ({ split, offset, position, reason }) =>
          `  dead letter: ${split ?? ''}${offset === undefined ? '' : ` at offset ${offset}`}${position === undefined ? '' : ` byte ${position}`}: ${reason}`,
      ),
    ...(state === undefined ? [] : [`  state: ${state}   (millrace inspect ${state})`]),
  ];
  return lines.join('\n');
}
