/**
 * Who holds the watermark of an operator back, and what would let it go on: followed upwards from the operator to the
 * splits, through everything that passes watermarks on later than they came.
 *
 *   source, split -> watermarks -> ... -> union -> ... -> operator that waits for `needed`
 *                        ^ the split that holds         ^ asks each input that is behind
 */
import { formatTime, MAX_TIME, shortDuration } from '../base/time.ts';
import { DEFAULT_IDLE_AFTER_MS, type WatermarkNode } from '../plan/logical.ts';
import type { PhysicalNode, PhysicalPlan } from '../plan/physical.ts';
import type { Deployment } from './deployment.ts';
import { type JobWatermarks, type SplitWatermark, watermarksOf } from './job-watermarks.ts';

/** What would let a watermark go on. */
export type Release =
  /** A row at or after an instant; undefined: whichever row the user's function takes for one. `isEstimate`: about then. */
  | { readonly kind: 'row'; readonly at: number | undefined; readonly isEstimate: boolean }
  /** So long without a row; only live sources become idle. */
  | { readonly kind: 'idleness'; readonly afterMs: number }
  /** It waits for slower splits of its alignment group: these have to come on. */
  | { readonly kind: 'alignment'; readonly group: string; readonly slower: readonly string[] }
  /** What the operator itself has to finish: requests under way, rows that it keeps. */
  | { readonly kind: 'work' };

/** One of those that hold it. Instants are milliseconds since 1970; undefined: none yet. */
export interface WatermarkHold {
  /** Uid of the operator that makes the watermarks, or keeps them back. */
  readonly operator: string;
  /** Undefined when no split holds it but the operator. */
  readonly source: string | undefined;
  readonly split: string | undefined;
  readonly watermark: number | undefined;
  /** Largest timestamp of its rows, and how many rows (of files: bytes) it has given. */
  readonly lastRow: number | undefined;
  readonly position: number | undefined;
  readonly isIdle: boolean;
  readonly release: readonly Release[];
  readonly text: string;
}

/** Why a window has not fired, or that it has: what `job.explainWindow` answers; `text` tells it to people. */
export interface WindowExplanation {
  readonly operator: string;
  readonly key: { readonly [column: string]: unknown };
  readonly start: number;
  /** Exclusive. */
  readonly end: number;
  /**
   * 'empty': nothing of the key is in it, and it is open. 'open': it waits for its end. 'fired': it has, and takes late
   * rows. 'closed': nothing can reach it any more.
   */
  readonly state: 'empty' | 'open' | 'fired' | 'closed';
  /** Rows of the key that it holds. */
  readonly rows: number;
  /** The watermark that has reached it, and the one at which it fires. Undefined: none yet; processing time. */
  readonly watermark: number | undefined;
  readonly firesAt: number | undefined;
  /** Those that keep it from firing, the slowest first. Empty when nothing does. */
  readonly holds: readonly WatermarkHold[];
  readonly text: string;
}

/** What is running, for those who explain it. */
export interface Running {
  readonly plan: PhysicalPlan;
  readonly deployment: Deployment;
}

export function holdsOf({ plan, deployment }: Running, index: number, needed: number): readonly WatermarkHold[] {
  const holds = new Holds(plan, deployment, watermarksOf(deployment)).above(index, needed);
  return [...holds].sort((a, b) => (a.watermark ?? -Infinity) - (b.watermark ?? -Infinity));
}

class Holds {
  readonly #plan: PhysicalPlan;
  readonly #deployment: Deployment;
  readonly #watermarks: JobWatermarks;

  constructor(plan: PhysicalPlan, deployment: Deployment, watermarks: JobWatermarks) {
    this.#plan = plan;
    this.#deployment = deployment;
    this.#watermarks = watermarks;
  }

  /** Who keeps the inputs of a node below a watermark. Idle inputs keep nothing while others are active. */
  above(index: number, needed: number): readonly WatermarkHold[] {
    const node = this.#plan.nodes[index];
    if (node === undefined) return [];
    const { operator } = node;
    const timed = node.inputs
      .filter((_, i) => operator.kind !== 'process' || operator.inputs[i]?.hasEventTime !== false)
      .map(({ from }) => from);
    const active = timed.filter((from) => !this.#isIdle(from));
    return (active.length > 0 ? active : timed).flatMap((from) => this.#at(from, needed));
  }

  #isIdle(index: number): boolean {
    const uid = this.#plan.nodes[index]?.uid;
    return this.#watermarks.operators.some(({ operator, isIdle }) => operator === uid && isIdle);
  }

  #at(index: number, needed: number): readonly WatermarkHold[] {
    const node = this.#plan.nodes[index];
    if (node === undefined) return [];
    const { uid, operator } = node;
    const passed = this.#watermarks.operators.find((each) => each.operator === uid)?.watermark;
    if (passed !== undefined && passed >= needed) return [];
    if (operator.kind === 'watermark') return this.#splits(uid, operator, needed);
    const isDelayed = operator.kind === 'windowAggregate' && operator.results === 'final';
    const above = this.above(index, needed + (isDelayed ? operator.allowedLatenessMs : 0));
    return above.length > 0 ? above : [workOf(node, passed)];
  }

  #splits(uid: string, node: WatermarkNode, needed: number): readonly WatermarkHold[] {
    const all = this.#watermarks.splits.filter(({ operator, hasEnded }) => operator === uid && !hasEnded);
    const combined = this.#watermarks.operators.find(({ operator }) => operator === uid)?.watermark ?? -Infinity;
    const behind = all.filter(
      ({ watermark, isIdle, holds }) =>
        !isIdle && (watermark ?? -Infinity) < needed && (holds || (watermark ?? -Infinity) >= combined),
    );
    return (behind.length > 0 ? behind : all.filter(({ isIdle }) => isIdle)).map((split) =>
      this.#holdOf(split, node, needed),
    );
  }

  #holdOf(split: SplitWatermark, node: WatermarkNode, needed: number): WatermarkHold {
    const { operator, source, watermark, max, position, isIdle } = split;
    const release = this.#releaseOf(split, node, needed);
    const hold = { operator, source, split: split.split, watermark, lastRow: max, position, isIdle, release };
    return { ...hold, text: tellHold(hold) };
  }

  #releaseOf(split: SplitWatermark, node: WatermarkNode, needed: number): readonly Release[] {
    const isLive = this.#deployment.task.sources.some(({ uid, live }) => uid === split.source && live);
    const { idleAfterMs = DEFAULT_IDLE_AFTER_MS } = node;
    if (split.isHeldBack && node.align !== undefined) {
      return [{ kind: 'alignment', group: node.align.group, slower: this.#slowerThan(split, node.align.group) }];
    }
    const row = rowThatReleases(split, node, needed);
    return isLive && idleAfterMs !== 'off' && !split.isIdle ? [row, { kind: 'idleness', afterMs: idleAfterMs }] : [row];
  }

  /** The splits of a group that are behind another one. */
  #slowerThan({ max = -Infinity }: SplitWatermark, group: string): readonly string[] {
    const members = new Set(
      this.#plan.nodes.flatMap(({ uid, operator }) =>
        operator.kind === 'watermark' && operator.align?.group === group ? [uid] : [],
      ),
    );
    return this.#watermarks.splits
      .filter(
        (other) => members.has(other.operator) && !other.isIdle && !other.hasEnded && (other.max ?? -Infinity) < max,
      )
      .map(({ source, split }) => `${source}/${split}`);
  }
}

function rowThatReleases({ max, watermark }: SplitWatermark, { strategy }: WatermarkNode, needed: number): Release {
  switch (strategy.kind) {
    case 'monotonous':
      return { kind: 'row', at: needed + 1, isEstimate: false };
    case 'bounded':
      return { kind: 'row', at: needed + 1 + strategy.delayMs, isEstimate: false };
    case 'adaptive': {
      const lag = max === undefined || watermark === undefined ? 1 : max - watermark;
      return { kind: 'row', at: needed + lag, isEstimate: true };
    }
    default:
      return { kind: 'row', at: undefined, isEstimate: false };
  }
}

function workOf({ uid }: PhysicalNode, watermark: number | undefined): WatermarkHold {
  const nothing = { source: undefined, split: undefined, lastRow: undefined, position: undefined, isIdle: false };
  const hold = { operator: uid, watermark, ...nothing, release: [{ kind: 'work' }] as const };
  return { ...hold, text: tellHold(hold) };
}

/** The watermark as people read it. */
export const tellWatermark = (watermark: number | undefined): string =>
  watermark === undefined
    ? 'no watermark'
    : watermark >= MAX_TIME
      ? 'the last watermark'
      : `watermark ${formatTime(watermark)}`;

function tellHold({
  operator,
  source,
  split,
  watermark,
  lastRow,
  position,
  isIdle,
  release,
}: Omit<WatermarkHold, 'text'>): string {
  const on = `; released by ${release.map(tellRelease).join(', or by ')}`;
  if (split === undefined) return `${tellWatermark(watermark)} is held by '${operator}' itself${on}`;
  const row =
    lastRow === undefined
      ? ', which had no row yet'
      : `, last row ${formatTime(lastRow)} at offset ${(position ?? 0).toLocaleString('en-US')}`;
  const idle = isIdle ? ', which is idle as all others' : '';
  return `${tellWatermark(watermark)} is held by source '${source}', split '${split}'${row}${idle}${on}`;
}

function tellRelease(release: Release): string {
  switch (release.kind) {
    case 'row':
      if (release.at === undefined) return 'a row that its watermark function takes for the end';
      return `a row of it at or after ${release.isEstimate ? 'about ' : ''}${formatTime(release.at)}, or its end`;
    case 'idleness':
      return `${shortDuration(release.afterMs)} without a row (idleness)`;
    case 'alignment':
      return `rows of ${release.slower.join(', ')}, which it waits for in alignment group '${release.group}'`;
    case 'work':
      return 'the end of what it has under way';
  }
}
