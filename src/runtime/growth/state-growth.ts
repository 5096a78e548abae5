/**
 * How fast each state grows, when the budget will be reached, and a warning before it is.
 *
 *   samples of all states, at even moments --> slope of each --> forecast --> alert: which state, its heaviest keys
 *
 * Samples are taken every second at first. When there are SAMPLES_MAX, every second one is let go and they are taken half as
 * often, up to once in EVERY_MS_MAX; from then on the oldest goes. So a job that fills its memory in minutes is warned as well
 * as one that does so in hours, and the memory for it is constant.
 *
 * Invariants
 *  1. An alert is raised once, when the forecast has been below `alertWithinMs` in ALERT_AFTER samples one after the other;
 *     again only after the forecast was twice as far away.
 *  2. It needs evidence: growth that was seen for half as long as it still has to go on, and goes on in the second half of the
 *     samples. So a job whose windows fill up to a quarter of the budget after the start, and stay there, is not taken for one
 *     that never clears them.
 *  3. What is foretold is when the peaks reach the budget, not the mean: state that comes and goes with windows counts with
 *     what it was above the trend at most, a tenth of the samples apart.
 *  4. Time comes from the clock port, and moves nothing: a sample is late when the job was.
 *  5. The heaviest keys are looked for between batches, a share of all keys after each: an alert stops the job no longer than a
 *     batch does. It is raised when they are found.
 * Not here: what a walk for heavy keys costs (state/heaviest-keys.ts).
 */
import type { ProcessingTimeMs } from '../../base/time.ts';
import { formatBytes } from '../../base/bytes.ts';
import { shortDuration } from '../../base/time.ts';
import type { StateArena } from '../../state/arena.ts';
import { slopeOf } from './slope.ts';

const EVERY_MS_MIN = 1000;
const EVERY_MS_MAX = 32_000;
const SAMPLES_MAX = 128;
const SAMPLES_MIN = 8;
const ALERT_AFTER = 3;
const ALERTS_KEPT = 100;
const TOP_KEYS = 5;
/** A tenth of the samples lies above what counts as a peak. */
const PEAK_SHARE = 0.9;
/** States as small as this are no reason for an alert. */
const SMALL_SHARE = 0.02;

export interface HeavyKeyText {
  readonly key: string;
  readonly bytes: number;
  readonly entries: number;
}

/** A warning that state will reach its budget. */
export interface StateAlert {
  readonly kind: 'state';
  /** Milliseconds since 1970, of the clock. */
  readonly at: number;
  /** The state that grows fastest. */
  readonly state: string;
  readonly stateBytes: number;
  readonly stateEntries: number;
  /** Bytes in a second, of that state. */
  readonly growth: number;
  /** Forecast, from `at` on. */
  readonly fullInMs: number;
  readonly usedBytes: number;
  readonly budgetBytes: number;
  /** The heaviest keys of that state. */
  readonly topKeys: readonly HeavyKeyText[];
  /** All of it in a sentence. */
  readonly message: string;
}

interface Sample {
  readonly atMs: number;
  readonly usedBytes: number;
  readonly bytes: ReadonlyMap<string, number>;
}

export interface StateGrowthOptions {
  readonly arena: StateArena;
  /** Rests after each share of the keys. */
  readonly heaviest: (state: string, most: number) => Iterator<undefined, readonly HeavyKeyText[]>;
  /** Undefined: no alerts. */
  readonly alertWithinMs: number | undefined;
  readonly onAlert: ((alert: StateAlert) => void) | undefined;
}

export class StateGrowth {
  readonly alerts: StateAlert[] = [];
  readonly #options: StateGrowthOptions;
  #samples: Sample[] = [];
  #everyMs = EVERY_MS_MIN;
  #nextMs = Number.NEGATIVE_INFINITY;
  /** Samples one after the other whose forecast was near. */
  #near = 0;
  #isRaised = false;
  #fullIn: number | undefined;
  /** The alert that is to be raised, when its heaviest keys are found. */
  #search:
    | { readonly keys: Iterator<undefined, readonly HeavyKeyText[]>; raise(found: readonly HeavyKeyText[]): void }
    | undefined;

  constructor(options: StateGrowthOptions) {
    this.#options = options;
  }

  /** After each step: takes a sample when one is due. `monotonicMs` orders samples; `now` dates an alert. */
  sample(monotonicMs: number, now: () => ProcessingTimeMs): void {
    if (this.#search !== undefined) this.#searchOn();
    if (monotonicMs < this.#nextMs) return;
    // Even moments: the same whatever the job was doing.
    this.#nextMs = (Math.floor(monotonicMs / this.#everyMs) + 1) * this.#everyMs;
    const { arena } = this.#options;
    const bytes = new Map(arena.states().map((state) => [state.name, state.bytes]));
    this.#samples.push({ atMs: monotonicMs, usedBytes: arena.usedBytes(), bytes });
    if (this.#samples.length > SAMPLES_MAX) this.#thin();
    this.#fullIn = this.#forecast();
    this.#watch(now);
  }

  /** Bytes in a second; undefined before there are samples enough. */
  growth(state: string): number | undefined {
    if (this.#samples.length < SAMPLES_MIN) return undefined;
    return 1000 * slopeOf(this.#samples.map(({ atMs, bytes }) => ({ atMs, value: bytes.get(state) ?? 0 })));
  }

  /** Milliseconds from the last sample until the budget is reached; undefined: not in sight. */
  get stateFullIn(): number | undefined {
    return this.#fullIn;
  }

  #forecast(): number | undefined {
    const last = this.#samples.at(-1);
    if (last === undefined || this.#samples.length < SAMPLES_MIN) return undefined;
    const points = this.#samples.map(({ atMs, usedBytes }) => ({ atMs, value: usedBytes }));
    const slope = slopeOf(points);
    if (slope <= 0) return undefined;
    // Each sample, moved along the trend to where it would be by now.
    const levels = points.map(({ atMs, value }) => value + slope * (last.atMs - atMs)).sort((a, b) => a - b);
    const peak = levels[Math.floor(levels.length * PEAK_SHARE)] ?? last.usedBytes;
    return Math.max(0, (this.#options.arena.budgetBytes - peak) / slope);
  }

  /** Whether it was seen growing for long enough to say that it goes on, and does so. */
  #isEvident(fullInMs: number): boolean {
    const [first, last] = [this.#samples[0], this.#samples.at(-1)];
    if (first === undefined || last === undefined || fullInMs > 2 * (last.atMs - first.atMs)) return false;
    const points = this.#samples.map(({ atMs, usedBytes }) => ({ atMs, value: usedBytes }));
    return slopeOf(points.slice(points.length >> 1)) >= slopeOf(points) / 2;
  }

  #thin(): void {
    if (this.#everyMs < EVERY_MS_MAX) {
      this.#everyMs *= 2;
      this.#samples = this.#samples.filter((_, i) => i % 2 === 0);
    } else {
      this.#samples.shift();
    }
  }

  #watch(now: () => ProcessingTimeMs): void {
    const { alertWithinMs, arena } = this.#options;
    if (alertWithinMs === undefined) return;
    const fullIn = this.#fullIn ?? Number.POSITIVE_INFINITY;
    const isLarge = arena.usedBytes() > SMALL_SHARE * arena.budgetBytes;
    const isNear = fullIn <= alertWithinMs && isLarge && this.#isEvident(fullIn);
    this.#near = isNear ? this.#near + 1 : 0;
    if (fullIn > 2 * alertWithinMs) this.#isRaised = false;
    if (this.#isRaised || this.#near < ALERT_AFTER) return;
    this.#isRaised = true;
    this.#raise(fullIn, now());
  }

  #raise(fullInMs: number, at: ProcessingTimeMs): void {
    const { arena, heaviest } = this.#options;
    const growing = arena.states().map((size) => ({ ...size, growth: this.growth(size.name) ?? 0 }));
    const fastest = growing.reduce((a, b) => (b.growth > a.growth ? b : a));
    const known = {
      kind: 'state',
      at,
      state: fastest.name,
      stateBytes: fastest.bytes,
      stateEntries: fastest.entries,
      growth: fastest.growth,
      fullInMs,
      usedBytes: arena.usedBytes(),
      budgetBytes: arena.budgetBytes,
    } as const;
    this.#search = {
      keys: heaviest(fastest.name, TOP_KEYS),
      raise: (topKeys) => this.#tell({ ...known, topKeys, message: messageOf({ ...known, topKeys }) }),
    };
    this.#searchOn();
  }

  #searchOn(): void {
    const found = this.#search?.keys.next();
    if (found?.done !== true) return;
    const search = this.#search;
    this.#search = undefined;
    search?.raise(found.value);
  }

  #tell(alert: StateAlert): void {
    if (this.alerts.length < ALERTS_KEPT) this.alerts.push(alert);
    this.#options.onAlert?.(alert);
  }
}

function messageOf({
  fullInMs,
  budgetBytes,
  state,
  stateBytes,
  stateEntries,
  growth,
  topKeys,
}: Omit<StateAlert, 'message'>): string {
  const minutes = shortDuration(Math.max(1, Math.round(fullInMs / 60_000)) * 60_000);
  return (
    `state reaches its budget of ${formatBytes(budgetBytes)} in about ${minutes}: '${state}' has `
    + `${formatBytes(stateBytes)} in ${stateEntries} entries and grows by ${formatBytes(growth * 60)} `
    + `a minute; heaviest keys: ${topKeys.map(({ key, bytes }) => `${key} (${formatBytes(bytes)})`).join(', ')}`
  );
}
