/** What the two orders (by number, by event time) have in common: what they are told, and what they tell. */
import type { ExtremeReason, GapReason } from '../../plan/reorder.ts';
import type { Head } from './heads.ts';
import type { HeldRow } from './held-rows.ts';

/** A row that has come, its key selected. */
export interface Arrival extends HeldRow {
  /** Its number; by event time: the time. */
  readonly place: number;
  /** How far event time has come. */
  readonly clock: number;
}

export interface Gap {
  readonly from: number;
  readonly to: number;
  /** Event time of the earliest row that waited for it. */
  readonly since: number;
  /** Event time at which it was given up. */
  readonly givenUpAt: number;
  readonly reason: GapReason;
}

/** Where rows of the selected key go. */
export interface OrderOutputs {
  /** Next in order. */
  row(head: Head, row: HeldRow): void;
  gap(gap: Gap): void;
  extreme(row: HeldRow, reason: ExtremeReason): void;
}

export interface Order {
  arrive(head: Head, row: Arrival): void;
  /** The row held under `sub` has waited until `deadline`. */
  due(head: Head, sub: Uint8Array, deadline: number): void;
}
