/**
 * Turns a physical plan into a task: makes each operator, connects their outputs, opens sources where they left off.
 *
 * Long because every edge between operators is drawn here, and what a source shares with those that make its watermarks.
 *
 * Invariants
 *  1. This is the only place where a kind of plan node becomes an operator; what that takes is in makers/.
 *  2. State is in the arena before an operator that uses it is made; the small rest is given to `restore` before any record.
 *  3. A deployment that fails gives back what it has opened.
 *  4. A checkpoint that the plan cannot go on with is refused before anything is made (checkpoint/compatibility.ts).
 */
import { assert, assertNever } from '../base/assert.ts';
import type { Clock } from '../base/clock.ts';
import { UserError } from '../base/errors.ts';
import type { Json } from '../base/json.ts';
import type { SinkConnector, SinkWriter } from '../connector/sink.ts';
import type { SourceSplit } from '../connector/source.ts';
import { BATCH_ROWS_MAX, type BatchOrigin } from '../data/record-batch.ts';
import { requireColumn } from '../data/schema.ts';
import type { ColumnType } from '../data/types.ts';
import type { TimestampHook } from '../format/row-view.ts';
import type { KernelInstance } from '../kernel/instance.ts';
import type { LedgerEntry } from '../metrics/ledger.ts';
import {
  DEFAULT_FUTURE_SKEW_MS,
  DEFAULT_IDLE_AFTER_MS,
  FUTURE_PORT,
  type WatermarkNode,
  type WatermarkStrategy,
} from '../plan/logical.ts';
import { descriptionOf } from '../plan/node-description.ts';
import {
  type PhysicalNode,
  type PhysicalOperator,
  type PhysicalPlan,
  portsOf,
  readersOf,
  sourcesOf,
} from '../plan/physical.ts';
import type { StateArena } from '../state/arena.ts';
import type { Manifest, NodeDescriptions } from '../state/manifest.ts';
import type { Refusal } from './checkpoint/compatibility.ts';
import { DEAD_LETTER_SCHEMA, DEAD_LETTERS, DeadLetterOffice } from './dead-letters.ts';
import { Edge } from './edge.ts';
import { chunkBytesFor, type JobSettings } from './job-settings.ts';
import { type LoadParts, makeAggregation, makeWindow, type Parts, part, partsOf } from './makers/parts.ts';
import type { NodeOf, Site } from './makers/site.ts';
import { AssignWatermarks, type AssignWatermarksOptions } from './operators/assign-watermarks.ts';
import { SinkOperator } from './operators/sink.ts';
import { AlignmentGroup } from './progress/alignment.ts';
import { type Alignment, savedIntake, SourceDriver, unfinishedSplits } from './source-driver.ts';
import { Task, type TaskOperator } from './task.ts';

interface EventTimeColumn {
  readonly column: number;
  readonly type: ColumnType;
}

/** A node that makes watermarks of a source, at this index of the plan. */
interface Timed {
  readonly node: WatermarkNode;
  readonly at: number;
}

const readsSource = ({ node }: Timed): boolean => node.input.kind === 'source';

/** The splits of each source, by the index of its node. */
export type SourceSplits = ReadonlyMap<number, readonly SourceSplit[]>;

export interface DeploymentContext {
  readonly kernels: KernelInstance;
  readonly arena: StateArena;
  readonly writers: ReadonlyMap<string, SinkWriter>;
  readonly splits: SourceSplits;
  readonly settings: JobSettings;
  readonly restored: Manifest | undefined;
  readonly timestamp: TimestampHook;
  readonly clock: Clock;
  readonly loadParts: LoadParts;
}

type WiringContext = DeploymentContext & { readonly parts: Partial<Parts> };

export interface Deployment {
  readonly task: Task;
  readonly arena: StateArena;
  readonly deadLetters: DeadLetterOffice;
  /** What has passed out of each operator, by uid. */
  readonly outputs: ReadonlyMap<string, Edge>;
  /** Why a finished job must not pass for one that has read everything. To be thrown when its output is committed. */
  readonly unread: Refusal | undefined;
}

/** What manifests say of each node, by uid. */
export const describeNodes = ({ nodes }: PhysicalPlan): NodeDescriptions => ({
  kinds: Object.fromEntries(nodes.map(({ uid, operator }) => [uid, operator.kind])),
  states: Object.fromEntries(nodes.map(({ uid, operator }) => [uid, descriptionOf(operator)])),
});

/** Asks every source what it would read: fails on a missing input before anything of the job is touched. */
export async function splitsOf(plan: PhysicalPlan): Promise<SourceSplits> {
  const splits = new Map<number, readonly SourceSplit[]>();
  for (const [index, { operator }] of plan.nodes.entries()) {
    if (operator.kind === 'source') splits.set(index, await operator.connector.splits());
  }
  return splits;
}

/** Opens the writer of every sink of a plan, by uid, and that of dead letters when there is a place for them. */
export async function openSinks(
  plan: PhysicalPlan,
  kernels: KernelInstance,
  epoch: number,
  deadLetters: SinkConnector | undefined,
): Promise<ReadonlyMap<string, SinkWriter>> {
  const writers = new Map<string, SinkWriter>();
  for (const { uid, operator } of plan.nodes) {
    if (operator.kind !== 'sink') continue;
    writers.set(
      uid,
      await operator.connector.open({ kernels, schema: operator.input.schema, uid, job: plan.name, epoch }),
    );
  }
  if (deadLetters !== undefined) {
    writers.set(
      DEAD_LETTERS,
      await deadLetters.open({ kernels, schema: DEAD_LETTER_SCHEMA, uid: DEAD_LETTERS, job: plan.name, epoch }),
    );
  }
  return writers;
}

export async function deploy(plan: PhysicalPlan, given: DeploymentContext): Promise<Deployment> {
  const { restored } = given;
  const context = { ...given, splits: withUnfinished(plan, given.splits, restored) };
  const parts = await context.loadParts(partsOf(plan, restored !== undefined));
  let unread: Refusal | undefined;
  if (restored !== undefined) {
    const { refusalOf, unreadOf } = part(parts, 'compatibility');
    const refusal = refusalOf(describeNodes(plan), restored, given.arena);
    unread = unreadOf(new Map([...given.splits].map(([index, of]) => [plan.nodes[index]?.uid ?? '', of])), restored);
    if (refusal !== undefined) throw new UserError(...refusal);
  }
  const wiring = new Wiring(plan, { ...context, parts });
  plan.nodes.forEach((_, index) => wiring.make(index));
  wiring.connect();
  const task = wiring.task();
  try {
    for (const operator of task.operators) restoreOperator(operator, restored);
    for (const source of task.sources) {
      await source.open(restored?.sources[source.uid]);
      restoreLedger(source.uid, source.ledger, restored);
    }
  } catch (error) {
    await task.close();
    throw error;
  }
  return { task, arena: context.arena, deadLetters: wiring.deadLetters, outputs: wiring.outputs(), unread };
}

/** A split that was not read to its end is opened although its source no longer lists it: what is missing is told, not skipped. */
function withUnfinished(plan: PhysicalPlan, splits: SourceSplits, restored: Manifest | undefined): SourceSplits {
  if (restored === undefined) return splits;
  return new Map(
    [...splits].map(([index, listed]) => {
      const before = restored.sources[plan.nodes[index]?.uid ?? ''];
      const missing = unfinishedSplits(before).filter(({ id }) => !listed.some((split) => split.id === id));
      return [index, [...listed, ...missing]];
    }),
  );
}

function restoreOperator(operator: TaskOperator, restored: Manifest | undefined): void {
  const state = restored?.operators[operator.uid];
  // First, because what an operator holds may bear on what it may go on with.
  restoreLedger(operator.uid, operator.ledger, restored);
  if (state !== undefined) operator.restore(state);
}

function restoreLedger(uid: string, ledger: LedgerEntry, restored: Manifest | undefined): void {
  const before = restored?.ledgers[uid];
  if (before !== undefined) Object.assign(ledger, before);
}

/** The operators of a plan while they are being made, and the edges between them. */
class Wiring {
  readonly #plan: PhysicalPlan;
  readonly #context: WiringContext;
  readonly #splits: SourceSplits;
  readonly #edges: readonly (readonly Edge[])[];
  readonly #operators: (TaskOperator | SourceDriver)[] = [];
  readonly #groups = new Map<string, AlignmentGroup>();
  /** Of each operator that makes watermarks, for each of its sources: takes in one more split. */
  readonly #splitAdders: { readonly source: string; readonly add: (id: string, split: number) => void }[] = [];
  readonly deadLetters: DeadLetterOffice;

  constructor(plan: PhysicalPlan, context: WiringContext) {
    this.#plan = plan;
    this.#context = context;
    this.#splits = context.splits;
    this.#edges = plan.nodes.map((_, from) => Array.from({ length: portsOf(plan, from) }, () => new Edge()));
    this.deadLetters = new DeadLetterOffice(context.kernels.memory);
  }

  task(): Task {
    const letters = this.#context.writers.get(DEAD_LETTERS);
    if (letters !== undefined) {
      const operator = new SinkOperator(DEAD_LETTERS, letters);
      this.deadLetters.writeTo(this.#context.kernels, operator);
      this.#operators.push(operator);
    }
    const sources = this.#operators.filter((operator) => operator instanceof SourceDriver);
    const operators = this.#operators.filter(
      (operator): operator is TaskOperator => !(operator instanceof SourceDriver),
    );
    const order = this.#operators.flatMap((operator, index) => [
      ...(operator instanceof SourceDriver ? [] : [operator]),
      ...(this.#edges[index] ?? []),
    ]);
    const sinks = operators.filter((operator) => operator instanceof SinkOperator);
    return new Task(sources, operators, sinks, order);
  }

  /** The main output of each node. */
  outputs(): ReadonlyMap<string, Edge> {
    return new Map(this.#plan.nodes.map(({ uid }, index) => [uid, this.#port(index, 0)]));
  }

  connect(): void {
    this.#edges.forEach((ports, from) => {
      const ways = ports.flatMap((edge, port) =>
        readersOf(this.#plan, from, port).map(({ node, input }) => ({ edge, node, input, below: this.#below(node) })),
      );
      for (const { edge, node, input, below } of ways) {
        const operator = this.#operatorAt(node);
        const meets = ways.some((way) => way.below !== below && [...way.below].some((index) => below.has(index)));
        edge.connect({ operator, input }, meets ? [...below].map((index) => this.#operatorAt(index)) : []);
      }
    });
  }

  /** A node and all that reads of it, directly or not. A set of its own for each call. */
  #below(index: number, found: Set<number> = new Set()): ReadonlySet<number> {
    if (found.has(index)) return found;
    found.add(index);
    (this.#edges[index] ?? []).forEach((_, port) => {
      for (const { node } of readersOf(this.#plan, index, port)) this.#below(node, found);
    });
    return found;
  }

  #operatorAt(index: number): TaskOperator {
    const operator = this.#operators[index];
    assert(operator !== undefined && !(operator instanceof SourceDriver), 'a source reads from nothing');
    return operator;
  }

  make(index: number): void {
    const node = this.#plan.nodes[index];
    assert(node !== undefined, `node ${index}`);
    this.#operators.push(this.#operator(node, index));
  }

  /** The edge out of a port of a node; without readers when nothing reads it. */
  #port(index: number, port: number): Edge {
    return this.#edges[index]?.[port] ?? new Edge();
  }

  #operator(node: PhysicalNode, index: number): TaskOperator | SourceDriver {
    const { uid, operator } = node;
    const { parts, writers } = this.#context;
    const site = <K extends PhysicalOperator['kind']>(at: NodeOf<K>): Site<K> => this.#site(uid, at, index);
    switch (operator.kind) {
      case 'source':
        return this.#source(node, index, this.#port(index, 0));
      case 'watermark':
        return this.#watermarks(site(operator), index);
      case 'filter':
        return part(parts, 'expressions').makeFilter(site(operator));
      case 'project':
        return part(parts, 'expressions').makeProject(site(operator));
      case 'function':
        return part(parts, 'functions').makeFunction(site(operator));
      case 'async':
        return part(parts, 'asyncFunctions').makeAsync(site(operator));
      case 'process':
        return part(parts, 'processFunctions').makeProcess(site(operator));
      case 'split':
        return part(parts, 'expressions').makeSplit(site(operator));
      case 'deduplicate':
        return part(parts, 'rowOrder').makeDeduplicate(site(operator));
      case 'reorder':
        return part(parts, 'rowOrder').makeReorder(site(operator));
      case 'union':
        return part(parts, 'unions').makeUnion(site(operator));
      case 'windowAggregate':
        return makeWindow(site(operator), parts);
      case 'aggregate':
        return makeAggregation(site(operator), parts);
      case 'sink': {
        const writer = writers.get(uid);
        assert(writer !== undefined, `no writer for sink ${uid}`);
        return new SinkOperator(uid, writer);
      }
      default:
        return assertNever(operator);
    }
  }

  #site<K extends PhysicalOperator['kind']>(uid: string, node: NodeOf<K>, index: number): Site<K> {
    const { kernels, arena, clock, timestamp } = this.#context;
    return {
      uid,
      node,
      kernels,
      arena,
      clock,
      now: () => clock.now(),
      timestamp,
      port: (port) => this.#port(index, port),
      deadLetter: (batch, row, reason) => this.deadLetters.row(uid, batch, row, reason),
    };
  }

  #source({ uid, operator, columns }: PhysicalNode, index: number, output: Edge): SourceDriver {
    assert(operator.kind === 'source', 'a source node');
    const { kernels, settings } = this.#context;
    const { connector } = operator;
    const splits = this.#splits.get(index) ?? [];
    const restored = this.#context.restored?.sources[uid];
    const timed = this.#watermarksOf(index);
    const direct = timed.find(readsSource)?.node;
    const eventTime = direct === undefined ? undefined : columnOf(direct);
    const driver: SourceDriver = new SourceDriver({
      uid,
      kernels,
      output,
      connector,
      splits,
      eventTime,
      maxOf:
        timed.length === 0
          ? undefined
          : (origin) => timed.map(({ at }) => this.#assigner(at).maxOf(origin)).reduce((a, b) => (a > b ? a : b)),
      idleAfterMs: this.#idleAfterOf(index),
      align: direct === undefined ? undefined : this.#alignmentOf(direct),
      intake: connector.intake?.({ kernels, eventTime: eventTime?.column, saved: savedIntake(restored) }),
      newSplits: connector.discover?.(this.#context.clock),
      onSplit: ({ id }, { source, split }) => {
        for (const adder of this.#splitAdders) if (adder.source === source) adder.add(id, split);
      },
      open: (split: SourceSplit, splitIndex: number, offset: Json | undefined) =>
        connector.open(split, offset, {
          kernels,
          source: uid,
          splitIndex,
          columns,
          batchRows: Math.min(settings.batchRows, BATCH_ROWS_MAX),
          chunkBytes: chunkBytesFor(settings, Math.max(splits.length, splitIndex + 1)),
          now: () => this.#context.clock.now(),
          isFirstStart: restored === undefined,
          deadLetter: (letter) => {
            if (driver.wasTold(splitIndex, letter.offset)) return;
            driver.ledger.in++;
            driver.ledger.deadLetters++;
            this.deadLetters.letter(uid, letter);
          },
        }),
    });
    return driver;
  }

  /**
   * The watermarks that say where a source stands: the one that reads it itself, of several that which aligns it or the
   * first. Its column is the source's event time. Without such a one all that stand below other steps, which see what
   * those hand on.
   */
  #watermarksOf(source: number): readonly Timed[] {
    const all = this.#watermarksBelow(source);
    const direct = all.find(({ node }) => node.align !== undefined) ?? all.find(readsSource);
    return direct === undefined ? all : [direct];
  }

  #watermarksBelow(source: number): readonly Timed[] {
    return this.#plan.nodes.flatMap(({ operator }, at) =>
      operator.kind === 'watermark' && sourcesOf(this.#plan, at).includes(source) ? [{ node: operator, at }] : [],
    );
  }

  #assigner(index: number): AssignWatermarks {
    const operator = this.#operators[index];
    assert(operator instanceof AssignWatermarks, `node ${index} makes no watermarks`);
    return operator;
  }

  /** The shortest time after which some operator that makes watermarks of a source wants its silent splits idle. */
  #idleAfterOf(source: number): number | undefined {
    const times = this.#watermarksBelow(source).flatMap(({ node: { idleAfterMs = DEFAULT_IDLE_AFTER_MS } }) =>
      idleAfterMs === 'off' ? [] : [idleAfterMs],
    );
    return times.length === 0 ? undefined : Math.min(...times);
  }

  #alignmentOf(node: WatermarkNode): Alignment | undefined {
    if (node.align === undefined) return undefined;
    const { group: name, maxDriftMs } = node.align;
    const group = this.#groups.get(name) ?? new AlignmentGroup();
    this.#groups.set(name, group);
    return { group, maxDriftMs, skewMs: skewOf(node) };
  }

  #ruleOf(site: Site<'watermark'>, splits: number): AssignWatermarksOptions['rule'] {
    const { strategy } = site.node;
    if (strategy.kind !== 'punctuated' && strategy.kind !== 'custom') return delayRule(strategy);
    const generator =
      strategy.kind === 'custom' ? strategy.generator : { state: () => null, onRow: strategy.run, periodic: undefined };
    return part(this.#context.parts, 'userWatermarks').makeUserWatermarks(site, generator, splits);
  }

  #watermarks(site: Site<'watermark'>, index: number): AssignWatermarks {
    const { uid, node, kernels, port, deadLetter } = site;
    /** Of each source by its split: the index at this operator. */
    const indexes = new Map<string, number[]>();
    const splits: string[] = [];
    for (const source of sourcesOf(this.#plan, index)) {
      const sourceUid = this.#plan.nodes[source]?.uid ?? '';
      const ids = (this.#splits.get(source) ?? []).map(({ id }) => `${sourceUid}/${id}`);
      indexes.set(
        sourceUid,
        ids.map((_, i) => splits.length + i),
      );
      splits.push(...ids);
    }
    let count = splits.length;
    const assigner = new AssignWatermarks({
      uid,
      kernels,
      output: port(0),
      future: port(FUTURE_PORT),
      ...columnOf(node),
      splits,
      deadLetter,
      rule: this.#ruleOf(site, splits.length),
      skewMs: skewOf(node),
      splitOf: ({ source, split }: BatchOrigin) => indexes.get(source)?.[split] ?? -1,
    });
    for (const [source, of] of indexes) {
      this.#splitAdders.push({
        source,
        add: (id, split) => {
          of[split] = count++;
          assigner.addSplit(`${source}/${id}`);
        },
      });
    }
    return assigner;
  }
}

function columnOf(node: WatermarkNode): EventTimeColumn {
  const column = requireColumn(node.input.schema, node.column, 'watermark');
  const field = node.input.schema.fields[column];
  assert(field !== undefined, `column ${node.column}`);
  return { column, type: field.type };
}

function delayRule(
  strategy: Exclude<WatermarkStrategy, { readonly kind: 'punctuated' | 'custom' }>,
): AssignWatermarksOptions['rule'] {
  switch (strategy.kind) {
    case 'monotonous':
      return { delayMs: 0 };
    case 'bounded':
      return { delayMs: strategy.delayMs };
    case 'adaptive':
      return { lateRate: strategy.lateRate, maxMs: strategy.maxMs };
  }
}

function skewOf({ futureSkewMs = DEFAULT_FUTURE_SKEW_MS }: WatermarkNode): number | undefined {
  return futureSkewMs === 'off' ? undefined : futureSkewMs;
}
