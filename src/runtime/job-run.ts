/**
 * A running job: restores it, drives its task, takes its checkpoints, ends it in one of the ways below.
 *
 *              +-- input ends or drain() --> final watermark --> last checkpoint --> finished
 *   starting --+-- suspend() ------------------------------> last checkpoint --> suspended
 *   -> running |-- cancel() ----------------------------------------------------> cancelled
 *              +-- an error ----------------------------------------------------> failed
 *
 * Invariants
 *  1. Start: what is missing or another job's is refused before anything is touched. Then fence, then choose the checkpoint,
 *     then publish it under the new epoch, then let sinks commit and clean up, then read the first record. So an earlier owner that still runs can change nothing that this one relies on.
 *  2. Steps are synchronous and bounded; between them the loop lets the host's I/O run, starts checkpoints when the graph is
 *     quiet, and waits for sinks that have too much buffered.
 *  3. cancel() overrules what was asked before, and waits for nobody outside: neither for readers of sinks nor for answers.
 * Long because what a job is asked from outside is answered here as well, a few lines for each.
 */
import { assert } from '../base/assert.ts';
import { UserError } from '../base/errors.ts';
import { Wake } from '../base/wake.ts';
import type { SinkWriter } from '../connector/sink.ts';
import type { PhysicalPlan } from '../plan/physical.ts';
import { StateArena } from '../state/arena.ts';
import { HEAVY_SEARCH, type HeavySearch } from '../state/heaviest-keys.ts';
import type { Row } from '../format/row-view.ts';
import { AssignWatermarks } from './operators/assign-watermarks.ts';
import { metricsOf } from './job-metrics.ts';
import { type JobWatermarks, watermarksOf } from './job-watermarks.ts';
import { explainWindow, type InstantGiven } from './window-explanation.ts';
import type { WindowExplanation } from './window-hold.ts';
import type { JobPorts, JobProgress, JobSettings, JobStatus } from './job-settings.ts';
import type { LedgerEntry } from '../metrics/ledger.ts';
import type { MetricsRegistry, MetricsSnapshot } from '../metrics/registry.ts';
import { MIN_TIME, type ProcessingTimeMs } from '../base/time.ts';
import { encodeManifest, isManifestName, type Manifest, manifestName } from '../state/manifest.ts';
import { Checkpointer } from './checkpoint/checkpointer.ts';
import { type Damage, leftovers, refuseForeign, restoreLatest } from './checkpoint/restore.ts';
import { type HeavyKeyText, type StateAlert, StateGrowth } from './growth/state-growth.ts';
import { LagTracker } from './lag/lag-tracker.ts';
import type { JobLag } from './lag/lag-figures.ts';
import { part } from './makers/parts.ts';
import type { SourceDriver } from './source-driver.ts';
import type { ProcessedOptions, Token, Tokens } from './tokens.ts';
import { type Deployment, deploy, describeNodes, openSinks, splitsOf } from './deployment.ts';

/** Steps are run for this long, or this many of them, before the host gets its turn. */
const TURN_MS = 4;
const TURN_STEPS = 64;

type Request = 'suspend' | 'drain' | 'cancel';

export class JobRun {
  readonly plan: PhysicalPlan;
  readonly settings: JobSettings;
  readonly #ports: JobPorts;
  #status: JobStatus = 'starting';
  #request: Request | undefined;
  #wake: () => void = () => undefined;
  #deployment: Deployment | undefined;
  #checkpointer: Checkpointer | undefined;
  #writers: ReadonlyMap<string, SinkWriter> = new Map();
  #background: Promise<void> | undefined;
  #failure: { readonly error: unknown } | undefined;
  #longestGapMs = 0;
  #lag: LagTracker | undefined;
  /** From the first time that somebody asks. */
  #tokens: Tokens | undefined;
  /** Whether nothing more will be processed. */
  #hasEnded = false;
  #growth: StateGrowth | undefined;
  #registry: MetricsRegistry | undefined;
  /** Checkpoints that were found damaged at the start. */
  damaged: readonly Damage[] = [];
  restoredFrom: Manifest | undefined;

  constructor(plan: PhysicalPlan, ports: JobPorts, settings: JobSettings) {
    this.plan = plan;
    this.#ports = ports;
    this.settings = settings;
  }

  get status(): JobStatus {
    return this.#status;
  }

  get deployment(): Deployment {
    assert(this.#deployment !== undefined, 'the job has not started');
    return this.#deployment;
  }

  get stateGrowth(): StateGrowth {
    assert(this.#growth !== undefined, 'the job has not started');
    return this.#growth;
  }

  get lagTracker(): LagTracker {
    assert(this.#lag !== undefined, 'the job has not started');
    return this.#lag;
  }

  get checkpoints(): Checkpointer['counts'] {
    assert(this.#checkpointer !== undefined, 'the job has not started');
    return this.#checkpointer.counts;
  }

  /** The longest time between two steps since the start, ms: pauses by checkpoints, growth or the host. */
  get longestGapMs(): number {
    return this.#longestGapMs;
  }

  /** Restores and opens everything; afterwards `execute` may be called once. Throws UserError when the state cannot be used. */
  async start(): Promise<void> {
    try {
      await this.#start();
    } catch (error) {
      await this.#close('failed');
      throw error;
    }
  }

  async #start(): Promise<void> {
    const { store, kernels, clock, loadParts } = this.#ports;
    const splits = await splitsOf(this.plan);
    const arena = new StateArena(kernels, this.settings.stateBytes);
    await refuseForeign(store, arena, this.plan.name);
    const epoch = await store.acquire();
    this.#writers = await openSinks(this.plan, kernels, epoch, this.#ports.deadLetters);
    for (const writer of this.#writers.values()) await writer.fence();
    const { manifest: restored, older, damaged } = await restoreLatest(store, arena, this.plan.name);
    this.damaged = damaged;
    this.restoredFrom = restored;
    this.#deployment = await deploy(this.plan, {
      kernels,
      arena,
      splits,
      writers: this.#writers,
      settings: this.settings,
      restored,
      timestamp: this.#ports.timestamp,
      clock,
      loadParts,
    });
    this.#lag = new LagTracker(this.plan, this.#deployment.task, clock, this.settings.lag);
    this.#growth = new StateGrowth({
      arena,
      heaviest: (state, most) => this.#heaviestKeys(state, most, HEAVY_SEARCH.betweenBatches),
      alertWithinMs: this.settings.stateAlertMs,
      onAlert: this.#ports.onAlert,
    });
    const manifest = this.#adopt(restored, epoch);
    await store.publish(
      manifestName(epoch, manifest.checkpoint),
      encodeManifest(manifest, (bytes) => arena.checksum(bytes)),
    );
    for (const [uid, writer] of this.#writers) await writer.recover(manifest.sinks[uid] ?? []);
    const { unread } = this.#deployment;
    if (unread !== undefined) throw new UserError(...unread);
    const names = (await store.list()).map(({ name }) => name);
    const unreadable = damaged.map(({ name }) => name).filter(isManifestName);
    await store.remove([...unreadable, ...leftovers(names, [manifest, ...older])]);
    this.#checkpointer = new Checkpointer(
      {
        job: this.plan.name,
        epoch,
        store,
        arena,
        task: this.#deployment.task,
        clock,
        nodes: describeNodes(this.plan),
        retained: this.settings.retained,
        logBytes: this.settings.logBytes,
      },
      manifest,
      restored === undefined ? older : [restored, ...older],
    );
  }

  /** The restored checkpoint under this owner's epoch, or the checkpoint of an empty start. */
  #adopt(restored: Manifest | undefined, epoch: number): Manifest {
    if (restored !== undefined) return { ...restored, epoch };
    return {
      job: this.plan.name,
      checkpoint: 0,
      epoch,
      takenAt: this.#ports.clock.now(),
      finished: false,
      segments: [],
      arena: null,
      sources: {},
      operators: {},
      sinks: {},
      ledgers: {},
      ...describeNodes(this.plan),
    };
  }

  /** What the job asks of a first start, and the checkpoint that it goes on from overrules, for people. */
  overruled(): readonly string[] {
    return this.deployment.task.sources.flatMap(({ overruled }) => (overruled === undefined ? [] : [overruled]));
  }

  /** Every operator's entry, by uid. */
  ledger(): { readonly [uid: string]: Readonly<LedgerEntry> } {
    const { task } = this.deployment;
    return Object.fromEntries([...task.sources, ...task.operators].map(({ uid, ledger }) => [uid, { ...ledger }]));
  }

  progress(): JobProgress {
    const { task, arena } = this.deployment;
    const read = task.sources.map((source) => source.progress());
    const sizes = read.map(({ size }) => size);
    const entries = [...task.sources, ...task.operators].map(({ ledger }) => ledger);
    const watermarks = task.operators.flatMap((operator) =>
      operator instanceof AssignWatermarks ? [operator.watermark] : [],
    );
    const lowest = Math.min(...watermarks);
    return {
      recordsIn: task.sources.reduce((sum, { ledger }) => sum + ledger.in, 0),
      late: entries.reduce((sum, { late }) => sum + late, 0),
      deadLetters: entries.reduce((sum, { deadLetters }) => sum + deadLetters, 0),
      bytesRead: read.reduce((sum, source) => sum + source.read, 0),
      bytesTotal: sizes.reduce<number | undefined>(
        (sum, size) => (sum === undefined || size === undefined ? undefined : sum + size),
        0,
      ),
      watermark: watermarks.length === 0 || lowest <= MIN_TIME ? undefined : lowest,
      stateBytes: arena.usedBytes(),
      checkpoints: this.checkpoints.completed,
      longestGapMs: this.#longestGapMs,
    };
  }

  /** How far effects are behind the events that they come from, by sink and part. */
  lag(): JobLag {
    return this.lagTracker.lag();
  }

  /** What all sources have been handed by now, read or not: for `processed`. */
  token(): Token {
    const received = (source: SourceDriver) => source.positions().map(({ id, received }) => [id, received]);
    return Object.fromEntries(
      this.deployment.task.sources.map((source) => [source.uid, Object.fromEntries(received(source))]),
    );
  }

  /** Resolves when the effects of everything up to the token are in state, or also committed. */
  async processedToken(token: Token, options: ProcessedOptions): Promise<void> {
    const processed = (await this.#askedTokens()).processed(token, options);
    // Looked at by the loop, between two steps: whoever asks may be a function in the middle of one.
    this.#wake();
    await processed;
  }

  async #askedTokens(): Promise<Tokens> {
    const { task } = this.deployment;
    const tokens = part(await this.#ports.loadParts(new Set(['tokens'])), 'tokens');
    this.#tokens ??= new tokens.Tokens(task);
    if (this.#hasEnded) this.#tokens.end(this.#status);
    return this.#tokens;
  }

  /** Warnings since the start, at most a hundred. */
  alerts(): readonly StateAlert[] {
    return this.stateGrowth.alerts;
  }

  /** The heaviest keys of a state, by its name. Walks all of the state: nanoseconds to a microsecond a key. */
  heaviestKeys(state: string, most: number): readonly HeavyKeyText[] {
    const search = this.#heaviestKeys(state, most, HEAVY_SEARCH.atOnce);
    for (;;) {
      const step = search.next();
      if (step.done === true) return step.value;
    }
  }

  /** The same with a rest after each share of the keys. */
  *#heaviestKeys(state: string, most: number, how: HeavySearch): Generator<undefined, readonly HeavyKeyText[]> {
    const { arena, task } = this.deployment;
    const operator = task.operators.find(({ uid }) => uid === state || state.startsWith(`${uid}/`));
    const text = (key: Uint8Array): string => operator?.keyText?.(key) ?? new TextDecoder().decode(key);
    const found = yield* arena.heaviestKeys(state, most, how);
    return found.map(({ key, bytes, entries }) => ({ key: text(key), bytes, entries }));
  }

  /** Everything that is counted, with units: ledger entries, state, sinks, checkpoints. */
  metrics(): MetricsSnapshot {
    this.#registry ??= metricsOf(this);
    return this.#registry.snapshot();
  }

  /** What the function with state of this uid holds for a key. E1335 when the job has none, E1006, E1203 and E1303 for a wrong key. */
  lookup(uid: string, key: Row): unknown {
    if (typeof key !== 'object' || key === null) {
      const needs = "an object with the key's columns, such as { card: '4711' }";
      throw new UserError('E1006', { what: 'the key', needs, got: String(key) });
    }
    const functions = this.deployment.task.operators.filter(({ lookup }) => lookup !== undefined);
    const found = functions.find((operator) => operator.uid === uid);
    if (found === undefined) {
      throw new UserError('E1335', { uid, known: functions.map((operator) => operator.uid).join(', ') || 'none' });
    }
    return found.lookup?.(key);
  }

  /** Resolves when all that the first `rows` rows (of a file: bytes) of a source make has been made. */
  async processed(uid: string, rows: number, options: ProcessedOptions = {}): Promise<void> {
    const { sources } = this.deployment.task;
    const source = sources.find((each) => each.uid === uid);
    if (source === undefined) {
      throw new UserError('E1335', { uid, known: sources.map((each) => each.uid).join(', ') });
    }
    const processed = (await this.#askedTokens()).rows(source, rows, options);
    this.#wake();
    await processed;
  }

  /** Why a window of a key has not fired, or that it has. E1335, E1338 when there is none; E1203, E1303 for a wrong key. */
  explainWindow(uid: string, key: Row, start: InstantGiven): WindowExplanation {
    return explainWindow({ plan: this.plan, deployment: this.deployment }, uid, key, start);
  }

  /** How far event time has come, from each split of each source to each operator. */
  watermarks(): JobWatermarks {
    return watermarksOf(this.deployment);
  }

  /** Runs to an end; resolves with the status, rejects with the error that failed the job. */
  async execute(): Promise<JobStatus> {
    this.#status = 'running';
    try {
      const end = this.restoredFrom?.finished === true ? 'finished' : await this.#run();
      await this.#close(end);
      return end;
    } catch (error) {
      await this.#close('failed');
      throw error;
    }
  }

  /** Stops reading and ends after a last checkpoint; windows stay open and are continued by the next run. */
  suspend(): void {
    this.#ask('suspend');
  }

  /** Ends all input here: windows fire, sinks commit, the job is finished. */
  drain(): void {
    this.#ask('drain');
  }

  /** Ends at once without a checkpoint: the next run continues from the last completed one. */
  cancel(): void {
    this.#ask('cancel');
  }

  #ask(request: Request): void {
    if (request === 'cancel') {
      this.#request = request;
      this.#checkpointer?.abandon();
    }
    this.#request ??= request;
    this.#wake();
  }

  async #run(): Promise<JobStatus> {
    await this.#loop();
    await this.#background;
    const request = this.#request;
    if (request === 'cancel') return 'cancelled';
    this.#throwFailure();
    try {
      await this.#take(request !== 'suspend');
    } catch (error) {
      if (this.#isCancelled) return 'cancelled';
      throw error;
    }
    return request === 'suspend' ? 'suspended' : 'finished';
  }

  get #isCancelled(): boolean {
    return this.#request === 'cancel';
  }

  async #loop(): Promise<void> {
    const { clock } = this.#ports;
    const { task, arena } = this.deployment;
    const lag = this.lagTracker;
    const growth = this.stateGrowth;
    let due = this.#due();
    let turnBegan = clock.monotonicMs();
    let last = turnBegan;
    let waits = 0;
    const processingTime = (): ProcessingTimeMs => clock.now();
    for (let steps = 1; ; steps++) {
      this.#throwFailure();
      if (this.#request === 'cancel') return;
      const background = this.#background;
      if (background !== undefined && arena.isPressed) {
        await this.#unlessWoken(background);
        continue;
      }
      if (task.quiet) {
        if (this.#request === 'suspend') return;
        if (this.#request === 'drain') task.finish();
        if (clock.monotonicMs() >= due && this.#background === undefined) {
          this.#checkpointInBackground();
          due = this.#due();
        }
      }
      const step = task.step(processingTime);
      lag.advance();
      this.#tokens?.advance();
      if (step === 'end') return;
      const now = clock.monotonicMs();
      if (now - last > this.#longestGapMs) this.#longestGapMs = now - last;
      last = now;
      growth.sample(now, processingTime);
      waits = step === 'wait' ? waits + 1 : 0;
      if (step === 'wait') {
        // A source that gives one batch at a time must not fill a sink without end either.
        const full = this.#fullSink();
        await (full === undefined ? this.#wait(due) : this.#unlessWoken(full));
        // A reader that is ready again and again and yet has nothing must not keep the host's I/O from running.
        if (waits % TURN_STEPS === 0) await clock.yield();
        last = clock.monotonicMs();
      } else if (steps % TURN_STEPS === 0 || now - turnBegan >= TURN_MS) {
        await clock.yield();
        await this.#sinksReady();
        turnBegan = clock.monotonicMs();
      }
    }
  }

  #due(): number {
    const { checkpointEveryMs } = this.settings;
    return checkpointEveryMs === undefined
      ? Number.POSITIVE_INFINITY
      : this.#ports.clock.monotonicMs() + checkpointEveryMs;
  }

  /** Until input, a timer, a request, the end of the checkpoint that is being written, or the time of the next. */
  async #wait(due: number): Promise<void> {
    const { clock } = this.#ports;
    const woken = new Wake();
    this.#wake = () => woken.wake();
    const timer = this.deployment.task.nextTimer();
    const timerLeft = timer === undefined ? Number.POSITIVE_INFINITY : timer - clock.now();
    // The next checkpoint cannot begin before this one has ended, so a time for it that has passed is nothing to wait for.
    const left = Math.min(timerLeft, this.#background === undefined ? due - clock.monotonicMs() : timerLeft);
    const sleep = Number.isFinite(left) ? [clock.sleep(Math.max(0, left), woken)] : [];
    // A checkpoint that ends wakes: a promise that lasts as long as it does would keep every wait.
    await Promise.race([this.deployment.task.ready(), woken.promise, ...sleep]);
    woken.wake();
    this.#wake = () => undefined;
  }

  async #sinksReady(): Promise<void> {
    for (let full = this.#fullSink(); full !== undefined && !this.#isCancelled; full = this.#fullSink())
      await this.#unlessWoken(full);
  }

  /** Until a promise is kept, or somebody asks for something. */
  #unlessWoken(promise: Promise<void>): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#wake = resolve;
      promise.then(resolve, reject);
    });
  }

  /** Resolves when the first sink that has too much buffered can take more; undefined: all can. */
  #fullSink(): Promise<void> | undefined {
    for (const writer of this.#writers.values()) {
      const ready = writer.ready();
      if (ready !== undefined) return ready;
    }
    return undefined;
  }

  #checkpointInBackground(): void {
    this.#background = this.#take(false)
      .catch((error: unknown) => {
        this.#failure = { error };
      })
      .finally(() => {
        this.#background = undefined;
        // A loop that waits for input has to see the failure, or may begin the next checkpoint.
        this.#wake();
      });
  }

  async #take(finished: boolean): Promise<void> {
    assert(this.#checkpointer !== undefined, 'the job has not started');
    this.deployment.deadLetters.flush();
    this.lagTracker.cut();
    this.#tokens?.cut();
    await this.#checkpointer.take(finished);
    this.lagTracker.committed();
    this.#tokens?.committed();
  }

  #throwFailure(): void {
    if (this.#failure !== undefined) throw this.#failure.error;
  }

  /** The process is taken to be dead: answers to its functions find nobody any more. For simulations. */
  abandon(): void {
    for (const operator of this.#deployment?.task.operators ?? []) operator.close?.();
  }

  /** Gives everything back, whatever happened before; the first error is the one that counts, so later ones are dropped. */
  async #close(status: JobStatus): Promise<void> {
    this.#status = status;
    await this.#background;
    this.#hasEnded = true;
    this.#tokens?.end(status);
    await this.#deployment?.task.close();
    for (const writer of this.#writers.values()) await writer.close().catch(() => undefined);
    await this.#ports.store.release().catch(() => undefined);
  }
}
