/**
 * What of the rows of a source goes on, and how fast: from an instant on, a sample, so many rows a second.
 *
 *   rows of a split --before the instant?--> skipped --by the hash of split and row number--> sampled out --> go on, paced
 *
 * Invariants
 *  1. Which rows go on depends on the rows, their split and their number in it alone: never on batches, pauses, restarts.
 *  2. The instant and the share are those of the first start: they stand in checkpoints, and others do not replace them later.
 *     The pace is what is asked for at the moment.
 *  3. Every row that does not go on is counted.
 *  4. The pace is kept over time: what was not used in the last tenth of a second is lost, so a pause causes no burst.
 * Not here: holding rows back until they may go on (runtime/source-driver.ts), positions in files (the host's).
 */
import type { Json } from '../base/json.ts';
import { type ProcessingTimeMs, processingTimeMs } from '../base/time.ts';
import { BATCH_ROWS_MAX, type Ptr, type RecordBatch } from '../data/record-batch.ts';
import type { KernelInstance } from '../kernel/instance.ts';
import type { LinearMemory } from '../kernel/memory.ts';
import type { Intake, IntakeContext } from './source.ts';

export interface IntakeSpec {
  /** Rows with an earlier event time do not go on, ms. */
  readonly fromMs?: number | undefined;
  /** The share of rows that go on, in (0, 1]. */
  readonly sample?: number | undefined;
  readonly rowsPerSecond?: number | undefined;
}

/** What holds for a source: asked for at a first start, else what its checkpoint says. */
export function effectiveIntake(asked: IntakeSpec, saved: Json | undefined): IntakeSpec {
  if (saved === undefined) return asked;
  // What snapshot wrote; the manifest's checksum was verified.
  const before = saved as { readonly from: number | null; readonly sample: number | null } | null;
  return { ...asked, fromMs: before?.from ?? undefined, sample: before?.sample ?? undefined };
}

const CREDIT_MS = 100;

export class RowIntake implements Intake {
  // configuration
  readonly #memory: LinearMemory;
  readonly #spec: IntakeSpec;
  readonly #time: IntakeContext['eventTime'];
  readonly #threshold: number;
  /** Of each split: batches of several may wait at the same time. */
  readonly #splits = new Map<string, { readonly seed: number; readonly selection: Ptr }>();
  // transient
  skipped = 0;
  sampledOut = 0;
  pausedMs = 0;
  #credit = 0;
  #creditAt: ProcessingTimeMs | undefined;
  #pausedSince: ProcessingTimeMs | undefined;

  constructor(kernels: KernelInstance, spec: IntakeSpec, context: IntakeContext) {
    this.#memory = kernels.memory;
    this.#spec = spec;
    this.#time = context.eventTime;
    this.#threshold = (spec.sample ?? 1) * 2 ** 32;
  }

  get isPaced(): boolean {
    return this.#spec.rowsPerSecond !== undefined;
  }

  snapshot(): Json {
    return { from: this.#spec.fromMs ?? null, sample: this.#spec.sample ?? null };
  }

  select(batch: RecordBatch, split: string, first: number): RecordBatch {
    const from = this.#spec.fromMs;
    const column = from === undefined || this.#time === undefined ? undefined : batch.columns[this.#time];
    if (column === undefined && this.#threshold >= 2 ** 32) return batch;
    const { u32, i64 } = this.#memory;
    const least = BigInt(from ?? 0);
    const { seed, selection } = this.#splitOf(split);
    let kept = 0;
    for (let k = 0; k < batch.selected; k++) {
      const row = batch.selection === 0 ? k : (u32[(batch.selection >>> 2) + k] ?? 0);
      if (column !== undefined && (i64[(column.values >>> 3) + row] ?? 0n) < least) this.skipped++;
      else if (hashOf(seed, first + k) >= this.#threshold) this.sampledOut++;
      else u32[(selection >>> 2) + kept++] = row;
    }
    return kept === batch.selected ? batch : { ...batch, selection, selected: kept };
  }

  allowed(now: ProcessingTimeMs): number {
    const rate = this.#spec.rowsPerSecond;
    if (rate === undefined) return Number.POSITIVE_INFINITY;
    const passed = this.#creditAt === undefined ? 0 : now - this.#creditAt;
    // A clock that was set back gives nothing and takes nothing.
    if (passed > 0) this.#credit = Math.min(mostOf(rate), this.#credit + (passed * rate) / 1000);
    this.#creditAt = now;
    const enough = this.#credit >= leastOf(rate);
    if (enough && this.#pausedSince !== undefined) {
      this.pausedMs += Math.max(0, now - this.#pausedSince);
      this.#pausedSince = undefined;
    }
    if (!enough) this.#pausedSince ??= now;
    return enough ? Math.floor(this.#credit) : 0;
  }

  took(rows: number): void {
    this.#credit -= rows;
  }

  get resumesAt(): ProcessingTimeMs | undefined {
    const rate = this.#spec.rowsPerSecond;
    if (rate === undefined || this.#creditAt === undefined || this.#pausedSince === undefined) return undefined;
    return processingTimeMs(this.#creditAt + Math.max(1, Math.ceil(((leastOf(rate) - this.#credit) * 1000) / rate)));
  }

  #splitOf(id: string): { readonly seed: number; readonly selection: Ptr } {
    const known = this.#splits.get(id);
    if (known !== undefined) return known;
    let seed = 0x811c9dc5;
    for (const byte of new TextEncoder().encode(id)) seed = Math.imul(seed ^ byte, 0x01000193);
    const made = { seed, selection: this.#memory.allocate(BATCH_ROWS_MAX * 4) };
    this.#splits.set(id, made);
    return made;
  }
}

/** Rows that may be saved up: those of CREDIT_MS, one at least. */
const mostOf = (rate: number): number => Math.max(1, (rate * CREDIT_MS) / 1000);
/** Rows that are worth going on for: half of that. */
const leastOf = (rate: number): number => Math.max(1, Math.min(BATCH_ROWS_MAX, mostOf(rate) / 2));

/** Well mixed 32 bits of a row number under a seed (the finalizer of MurmurHash3, twice). */
function hashOf(seed: number, row: number): number {
  return mix(mix(seed ^ (row >>> 0)) ^ Math.floor(row / 2 ** 32)) >>> 0;
}

function mix(bits: number): number {
  let h = Math.imul(bits ^ (bits >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return h ^ (h >>> 16);
}
