/**
 * Crashes a job at every point where it touches the world, and compares what came out.
 *
 *   undisturbed run:  start ............................ end -> result, points, trace hash
 *   for each point k: start ....X crash   start again .. end -> the same result?
 *                               |
 *                  the world as the next process finds it (a process crash, or a power loss)
 *
 * A scenario says what a world is, which ports a process has in it, and how a job is run with them; the simulator knows
 * neither jobs nor engines. All asynchrony of a simulated job comes from its ports: when nothing runs any more, the
 * simulator lets one delayed call through, or wakes the next sleeper; when there is neither, the job is stuck.
 *
 * Invariants
 *  1. Same scenario, same seed: same trace hash. The undisturbed run is made twice to prove it.
 *  2. Every point of the undisturbed run is a crash in exactly one run, unless a share of them is asked for.
 *  3. A difference names seed and point, and `onlyPoint` repeats it alone.
 */
import type { Clock } from '../base/clock.ts';
import { MillraceError } from '../base/errors.ts';
import { below, seededRandom, type Random } from '../base/random.ts';
import { canonicalText } from './canonical-text.ts';
import { instrument, PortController } from './crash-points.ts';
import { microtasks, VirtualClock } from './virtual-clock.ts';

/** How the process ends: by itself alone, or with the machine. */
export type CrashKind = 'process crash' | 'power loss';

/** What a process of the simulation gets besides its own ports. */
export interface ProcessContext {
  /** Makes the calls of a port crash points. Everything that outlives the process is to be reached through it. */
  wrap<P extends object>(port: P, name: string): P;
  readonly clock: Clock;
  readonly random: Random;
  /** How many processes of this run came before. */
  readonly restarts: number;
}

/** What is crashed: a world, the ports of a process in it, a job, and what is compared. */
export interface CrashScenario<World, Ports> {
  /** A world in which no process has ever run. */
  createWorld(): World;
  connect(world: World, context: ProcessContext): Ports;
  /** Runs the job with these ports until all its input is done. */
  start(ports: Ports): Promise<void>;
  /** Takes from the world what does not outlive the crash. */
  crash(world: World, kind: CrashKind, random: Random): void;
  /** What the world shows for the job: plain data, Maps, Sets and bytes, or a promise of it. Compared as text. */
  result(world: World): unknown;
  /** What must hold of a world at any moment, such as "committed output is a prefix". Says what is wrong with it. */
  violation?(world: World): string | undefined | Promise<string | undefined>;
}

/** Which crashes are made, by which seed. */
export interface CrashOptions {
  readonly seed?: number;
  readonly kind?: CrashKind;
  /** Delays and reorders the calls by the seed; otherwise they come in the order of the ports. */
  readonly interleave?: boolean;
  /** Further crashes in each run, at random points of the restarted processes. */
  readonly furtherCrashes?: number;
  /** Of every `count` points the one numbered `index`: for sharding and for time-boxing. */
  readonly share?: { readonly index: number; readonly count: number };
  readonly onlyPoint?: number;
  /** Gives up after this many differences; without it every point is crashed. */
  readonly differencesMax?: number;
  /** Resolves when everything that was going to run has run. The default gives promise reactions a number of turns. */
  readonly settle?: () => Promise<void>;
  /** Called between runs: a host may let its other work run. */
  readonly between?: () => Promise<void>;
}

/** A run that did not give the undisturbed result, with the seed and the point that repeat it. */
export interface Difference {
  readonly seed: number;
  /** Where the run crashed; undefined for the undisturbed run. */
  readonly point: number | undefined;
  readonly label: string;
  readonly kind: 'result' | 'error' | 'stuck' | 'violation' | 'not repeatable';
  readonly expected: string;
  readonly actual: string;
}

/** What the crashes of one scenario showed. */
export interface CrashReport {
  readonly seed: number;
  /** Points of the undisturbed run. */
  readonly points: number;
  /** Runs that crashed, and processes started in all. */
  readonly runs: number;
  readonly processes: number;
  readonly traceHash: string;
  /** The undisturbed result, as canonical text. */
  readonly result: string;
  readonly differences: readonly Difference[];
}

/** So many times is a job that does nothing visible given its turn before it counts as stuck. */
const IDLE_ROUNDS_MAX = 100;

/** Runs the scenario undisturbed, then once for each point with a crash there. Never throws for what the job does. */
export async function crashEverywhere<World, Ports>(
  scenario: CrashScenario<World, Ports>,
  options: CrashOptions = {},
): Promise<CrashReport> {
  const seed = options.seed ?? 1;
  // A first run only learns which methods are asynchronous, so that all others know the same from their start.
  const known = (await new Run(scenario, { ...options, interleave: false }, undefined, new Set()).finish())
    .asyncMethods;
  const undisturbed = await new Run(scenario, options, undefined, known).finish();
  const again = await new Run(scenario, options, undefined, known).finish();
  const differences: Difference[] = [...undisturbed.problems];
  if (again.traceHash !== undisturbed.traceHash) {
    differences.push({
      seed,
      point: undefined,
      label: 'the undisturbed run, repeated',
      kind: 'not repeatable',
      expected: undisturbed.traceHash,
      actual: again.traceHash,
    });
  }
  let runs = 0;
  let processes = 3;
  // An undisturbed run that fails has no result to compare with.
  const points = differences.length > 0 ? [] : chosenPoints(undisturbed.points, options);
  for (const point of points) {
    if (differences.length >= (options.differencesMax ?? Number.POSITIVE_INFINITY)) break;
    const outcome = await new Run(scenario, options, point, known).finish();
    runs++;
    processes += outcome.processes;
    differences.push(...outcome.problems);
    if (outcome.problems.length === 0 && outcome.result !== undisturbed.result) {
      differences.push({
        seed,
        point,
        label: outcome.label,
        kind: 'result',
        expected: undisturbed.result,
        actual: outcome.result,
      });
    }
    await options.between?.();
  }
  const { traceHash, result } = undisturbed;
  return { seed, points: undisturbed.points, runs, processes, traceHash, result, differences };
}

function* chosenPoints(count: number, { share, onlyPoint }: CrashOptions): Generator<number> {
  for (let point = 0; point < count; point++) {
    if (onlyPoint !== undefined && point !== onlyPoint) continue;
    if (share === undefined || point % share.count === share.index) yield point;
  }
}

interface RunOutcome {
  /** Of the first process. */
  readonly points: number;
  readonly traceHash: string;
  readonly asyncMethods: ReadonlySet<string>;
  readonly label: string;
  readonly processes: number;
  readonly result: string;
  readonly problems: readonly Difference[];
}

/** One world, and the processes that run in it one after the other until the job is done. */
class Run<World, Ports> {
  readonly #scenario: CrashScenario<World, Ports>;
  readonly #options: CrashOptions;
  readonly #point: number | undefined;
  readonly #known: ReadonlySet<string>;
  readonly #random: Random;
  readonly #world: World;
  readonly #clock = new VirtualClock();
  readonly #problems: Difference[] = [];
  readonly #settle: () => Promise<void>;
  #label = 'the undisturbed run';
  #processes = 0;

  constructor(
    scenario: CrashScenario<World, Ports>,
    options: CrashOptions,
    point: number | undefined,
    known: ReadonlySet<string>,
  ) {
    this.#scenario = scenario;
    this.#options = options;
    this.#point = point;
    this.#known = known;
    this.#random = seededRandom(options.seed ?? 1);
    this.#world = scenario.createWorld();
    this.#settle = options.settle ?? microtasks;
  }

  async finish(): Promise<RunOutcome> {
    const first = await this.#process(this.#point);
    let last = first;
    let further = this.#options.furtherCrashes ?? 0;
    while (last.crash !== undefined) {
      const crashAt = further-- > 0 ? below(this.#random, Math.max(1, first.points)) : undefined;
      last = await this.#process(crashAt);
    }
    return {
      points: first.points,
      traceHash: first.traceHash,
      asyncMethods: first.asyncMethods,
      label: this.#label,
      processes: this.#processes,
      result: canonicalText(await this.#scenario.result(this.#world)),
      problems: this.#problems,
    };
  }

  /** Starts the job and drives it to its end or its crash. */
  async #process(crashAt: number | undefined): Promise<PortController> {
    const { interleave } = this.#options;
    const controller = new PortController({
      asyncMethods: this.#known,
      ...(crashAt === undefined ? {} : { crashAt }),
      ...(interleave === true ? { interleave: this.#random } : {}),
    });
    const restarts = this.#processes++;
    const context: ProcessContext = {
      wrap: (port, name) => instrument(port, name, controller),
      clock: sleepsOnly(this.#clock, instrument<Clock>(this.#clock, 'clock', controller)),
      random: this.#random,
      restarts,
    };
    await this.#drive(async () => this.#scenario.start(this.#scenario.connect(this.#world, context)), controller);
    const { crash } = controller;
    if (crash !== undefined) {
      this.#label = restarts === 0 ? crash.label : `${this.#label}; then ${crash.label}`;
      this.#clock.forgetSleepers();
      this.#scenario.crash(this.#world, this.#options.kind ?? 'process crash', this.#random);
    }
    const violation = await this.#scenario.violation?.(this.#world);
    if (violation !== undefined) this.#problem('violation', 'none', violation);
    return controller;
  }

  async #drive(job: () => Promise<void>, controller: PortController): Promise<void> {
    let isDone = false;
    let failure: { readonly error: unknown } | undefined;
    void job().then(
      () => {
        isDone = true;
      },
      (error: unknown) => {
        failure = { error };
      },
    );
    for (let idleRounds = 0; idleRounds < IDLE_ROUNDS_MAX; ) {
      const before = controller.points;
      await this.#settle();
      if (controller.crash !== undefined) return;
      if (failure !== undefined) return this.#problem('error', 'none', describeError(failure.error));
      if (isDone) return;
      const isMoving = controller.points !== before || controller.releaseOne() || this.#clock.wakeNext();
      idleRounds = isMoving ? 0 : idleRounds + 1;
    }
    this.#problem('stuck', 'an end', 'the job waits, but no call is under way and nobody sleeps');
  }

  #problem(kind: Difference['kind'], expected: string, actual: string): void {
    this.#problems.push({
      seed: this.#options.seed ?? 1,
      point: this.#point,
      label: this.#label,
      kind,
      expected,
      actual,
    });
  }
}

/** Reading a clock touches nothing: only waiting on it is a point. */
const sleepsOnly = (read: Clock, wait: Clock): Clock => ({
  now: () => read.now(),
  monotonicMs: () => read.monotonicMs(),
  sleep: (ms, signal) => wait.sleep(ms, signal),
  yield: () => wait.yield(),
});

function describeError(error: unknown): string {
  if (error instanceof MillraceError) return error.format();
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}
