/**
 * Measures lag by following single rows, one of each split and second: where each is, and since when.
 *
 *   source hands on a batch --> probe of its first row --> along the plan, operator by operator --> sink --> lag-figures.ts
 *
 * A probe is no element of the stream: operators do not know of it. After each step it moves on from every operator that
 * is done with the batch that its row was in: one that has output left to make keeps it, a window until the watermark
 * releases the first window of its row, an asynchronous function until the row and all before it are answered, a sink that
 * commits until the checkpoint that holds it is committed.
 *
 * Invariants
 *  1. Every moment is read from the clock port, once for all probes that move in one step. The time since the last move goes
 *     to one part, so the parts of a probe sum to its total, however it travelled.
 *  2. A probe stands for the row's batch: a row that a filter drops is followed as if it had passed.
 *  3. Bounded: an operator keeps at most PROBES_MAX; of more, every second is let go.
 *  4. Nothing is paid per row, and nothing per step while no probe can move but a few comparisons.
 * Not state: after a restart rows that were under way are not followed any more.
 */
import type { Clock } from '../../base/clock.ts';
import { type EventTimeMs, MAX_TIME, MIN_TIME, type ProcessingTimeMs } from '../../base/time.ts';
import type { SinkWriter } from '../../connector/sink.ts';
import { LATE_PORT } from '../../plan/logical.ts';
import { type PhysicalPlan, readersOf } from '../../plan/physical.ts';
import { answersLater } from '../operator.ts';
import { SinkOperator } from '../operators/sink.ts';
import { WindowAggregate } from '../operators/window-aggregate.ts';
import type { Task, TaskOperator } from '../task.ts';
import { type JobLag, type LagMode, type LagPart, LagRecord, type SinkLag } from './lag-figures.ts';
import { releaseOf } from './release.ts';

/** Of each split a row is followed once in so many milliseconds. */
const PROBE_EVERY_MS = 1000;
const PROBES_MAX = 512;

interface Probe {
  /** Event time of the row; undefined: it has none, or it does not count. */
  readonly event: EventTimeMs | undefined;
  /** From when on the total is counted. */
  from: number;
  /** When it moved last. */
  since: number;
  readonly parts: Record<LagPart, number>;
}

/** A probe in an operator, and what releases it: a watermark or a number of rows. */
interface Held {
  readonly probe: Probe;
  readonly until: number;
}

/** An operator of the plan, as probes see it. */
interface Place {
  readonly operator: TaskOperator;
  readonly readers: readonly number[];
  readonly late: readonly number[];
  /** Where what probes wait for stands, and what one with this event time waits for; undefined: they wait for nothing. */
  readonly gate:
    | { reached(): number; until(event: EventTimeMs): number; readonly part: LagPart; readonly dropsLate: boolean }
    | undefined;
  held: Held[];
}

export class LagTracker {
  readonly #clock: Clock;
  readonly #mode: LagMode;
  /** By the number of the node; undefined for sources. */
  readonly #places: readonly (Place | undefined)[];
  readonly #records = new Map<string, LagRecord>();
  /** At sinks that commit: since the last cut, and those that the checkpoint in progress holds. */
  #written: { readonly probe: Probe; readonly record: LagRecord }[] = [];
  #cut: { readonly probe: Probe; readonly record: LagRecord }[] = [];
  /** Of the batch that is on its way: they enter when the step is over. */
  #fresh: { readonly probe: Probe; readonly readers: readonly number[] }[] = [];
  #inside = 0;

  constructor(plan: PhysicalPlan, task: Task, clock: Clock, mode: LagMode) {
    this.#clock = clock;
    this.#mode = mode;
    this.#places = plan.nodes.map(({ uid }, index) => placeOf(plan, index, task, uid));
    for (const { uid } of task.sinks) this.#records.set(uid, new LagRecord());
    if (mode === 'off') return;
    for (const source of task.sources) {
      const index = plan.nodes.findIndex(({ uid }) => uid === source.uid);
      const readers = readersOf(plan, index, 0).map(({ node }) => node);
      source.followRows({
        everyMs: PROBE_EVERY_MS,
        now: () => clock.now(),
        follow: (event, arrived) => this.#follow(event, arrived, readers),
      });
    }
  }

  /** After each step: moves on what can. */
  advance(): void {
    if (this.#inside === 0 && this.#fresh.length === 0) return;
    let now: number | undefined;
    for (const { probe, readers } of this.#fresh.splice(0)) {
      now ??= this.#clock.now();
      for (const reader of readers) this.#enter(copyOf(probe), reader, now);
    }
    for (const place of this.#places) {
      if (place === undefined || place.held.length === 0 || place.operator.more) continue;
      const reached = place.gate?.reached() ?? Number.POSITIVE_INFINITY;
      if (!place.held.some(({ until }) => until <= reached)) continue;
      now ??= this.#clock.now();
      const released = place.held.filter(({ until }) => until <= reached);
      place.held = place.held.filter(({ until }) => until > reached);
      this.#inside -= released.length;
      for (const { probe } of released) this.#leave(probe, place, now);
    }
  }

  /** A checkpoint is being cut: it holds what sinks were handed so far. */
  cut(): void {
    this.advance();
    this.#cut.push(...this.#written);
    this.#written = [];
  }

  /** The checkpoint that was cut last is committed. */
  committed(): void {
    if (this.#cut.length === 0) return;
    const now = this.#clock.now();
    for (const { probe, record } of this.#cut) this.#out(probe, record, now);
    this.#cut = [];
  }

  lag(): JobLag {
    const watermarks: { [uid: string]: number } = {};
    for (const place of this.#places) {
      const behind = place === undefined ? undefined : this.watermarkLag(place.operator);
      if (place !== undefined && behind !== undefined) watermarks[place.operator.uid] = behind;
    }
    const sinks = [...this.#records].map(([uid, record]) => [uid, record.figures] as const);
    return { sinks: Object.fromEntries(sinks), watermarks };
  }

  /** Of one sink; undefined while no row of it was followed to the end. */
  sink(uid: string): SinkLag | undefined {
    const figures = this.#records.get(uid)?.figures;
    return figures === undefined || figures.probes === 0 ? undefined : figures;
  }

  /** How far the watermark of an operator is behind the clock; undefined before the first and after the last one. */
  watermarkLag(operator: TaskOperator): number | undefined {
    const { watermark } = operator;
    if (watermark === undefined || watermark <= MIN_TIME || watermark >= MAX_TIME) return undefined;
    return this.#clock.now() - watermark;
  }

  #follow(event: EventTimeMs | undefined, arrived: ProcessingTimeMs | undefined, readers: readonly number[]): void {
    const now = this.#clock.now();
    const from = Math.min(arrived ?? now, now);
    const counted = this.#mode === 'processing' ? undefined : event;
    const source = counted === undefined ? 0 : from - counted;
    const parts = { source, queue: now - from, operator: 0, watermarkWait: 0, sink: 0 };
    // Windows release a row by its event time also where it does not count.
    this.#fresh.push({ probe: { event, from: counted ?? from, since: now, parts }, readers });
  }

  #enter(probe: Probe, node: number, now: number): void {
    const place = this.#places[node];
    if (place === undefined) return;
    const record = place.operator instanceof SinkOperator ? this.#records.get(place.operator.uid) : undefined;
    if (place.operator instanceof SinkOperator && record !== undefined) {
      this.#pass(probe, 'operator', now);
      this.#write(probe, record, place.operator.writer);
      return;
    }
    const { gate } = place;
    const until = gate?.until(probe.event ?? MIN_TIME) ?? Number.NEGATIVE_INFINITY;
    if (gate?.dropsLate === true && until <= gate.reached()) {
      for (const reader of place.late) this.#enter(copyOf(probe), reader, now);
      return;
    }
    this.#pass(probe, 'operator', now);
    place.held.push({ probe, until });
    this.#inside++;
    if (place.held.length <= PROBES_MAX) return;
    place.held = place.held.filter((_, i) => i % 2 === 0);
    this.#inside -= Math.floor((PROBES_MAX + 1) / 2);
  }

  #write(probe: Probe, record: LagRecord, writer: SinkWriter): void {
    if (writer.commits === true) {
      this.#written.push({ probe, record });
      return;
    }
    const written = writer.written?.();
    if (written === undefined) this.#out(probe, record, probe.since);
    else void written.then(() => this.#out(probe, record, this.#clock.now()));
  }

  #leave(probe: Probe, place: Place, now: number): void {
    this.#pass(probe, place.gate?.part ?? 'operator', now);
    place.readers.forEach((reader, i) => this.#enter(i === 0 ? probe : copyOf(probe), reader, now));
  }

  /** The clock may be set back: a part is never negative for that. */
  #pass(probe: Probe, part: LagPart, now: number): void {
    const passed = Math.max(0, now - probe.since);
    probe.since += passed;
    if (part === 'watermarkWait' && this.#mode === 'processing') probe.from += passed;
    else probe.parts[part] += passed;
  }

  #out(probe: Probe, record: LagRecord, now: number): void {
    this.#pass(probe, 'sink', now);
    record.record(probe.since - probe.from, probe.parts);
  }
}

const copyOf = (probe: Probe): Probe => ({ ...probe, parts: { ...probe.parts } });

function placeOf(plan: PhysicalPlan, index: number, task: Task, uid: string): Place | undefined {
  const operator = task.operators.find((each) => each.uid === uid);
  const node = plan.nodes[index]?.operator;
  if (operator === undefined || node === undefined) return undefined;
  const to = (port: number): number[] => readersOf(plan, index, port).map((reader) => reader.node);
  return {
    operator,
    readers: to(0),
    late: node.kind === 'windowAggregate' ? to(LATE_PORT) : [],
    gate: gateOf(operator, node.kind === 'windowAggregate' ? releaseOf(node.window) : undefined),
    held: [],
  };
}

function gateOf(operator: TaskOperator, release: ((event: EventTimeMs) => EventTimeMs) | undefined): Place['gate'] {
  if (operator instanceof WindowAggregate && release !== undefined) {
    return { reached: () => operator.watermark, until: release, part: 'watermarkWait', dropsLate: true };
  }
  if (answersLater(operator)) {
    const settled = (): number => operator.settled;
    return { reached: settled, until: () => operator.received, part: 'operator', dropsLate: false };
  }
  return undefined;
}
