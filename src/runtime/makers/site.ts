/**
 * Where an operator is put up: its node, the ports and state it may use, and its outputs. A maker turns one into an operator.
 *
 * Not here: which maker a node needs (parts.ts), sources, watermarks and sinks (deployment.ts, which knows their splits and writers).
 */
import type { Clock } from '../../base/clock.ts';
import type { ProcessingTimeMs } from '../../base/time.ts';
import type { RecordBatch } from '../../data/record-batch.ts';
import type { TimestampHook } from '../../format/row-view.ts';
import type { KernelInstance } from '../../kernel/instance.ts';
import type { PhysicalOperator } from '../../plan/physical.ts';
import type { StateArena } from '../../state/arena.ts';
import type { Edge } from '../edge.ts';
import type { TaskOperator } from '../task.ts';

export type NodeKind = Exclude<PhysicalOperator['kind'], 'source' | 'watermark' | 'sink'>;
export type NodeOf<K extends PhysicalOperator['kind']> = Extract<PhysicalOperator, { readonly kind: K }>;

export interface Site<K extends PhysicalOperator['kind']> {
  readonly uid: string;
  readonly node: NodeOf<K>;
  readonly kernels: KernelInstance;
  readonly arena: StateArena;
  readonly clock: Clock;
  readonly now: () => ProcessingTimeMs;
  readonly timestamp: TimestampHook;
  /** The edge out of a port; without readers when nothing reads it. */
  readonly port: (port: number) => Edge;
  readonly deadLetter: (batch: RecordBatch, row: number, reason: string) => void;
}

export type Maker<K extends NodeKind> = (site: Site<K>) => TaskOperator;
