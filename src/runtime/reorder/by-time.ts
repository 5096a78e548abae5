/**
 * Rows of a key in the order of their event time, those of one time as they came.
 *
 *   a row -> held until event time is maxWait beyond it -> out
 *   a row of an earlier time than one that is out -> an extreme
 *
 * A key that would hold more than maxRows gives the earliest out before its time.
 */
import { assert } from '../../base/assert.ts';
import type { ReorderSpec } from '../../plan/reorder.ts';
import type { Head } from './heads.ts';
import { type HeldRows, placeIn } from './held-rows.ts';
import type { Arrival, Order, OrderOutputs } from './order.ts';

export class ByTime implements Order {
  readonly #held: HeldRows;
  readonly #outputs: OrderOutputs;
  readonly #maxRows: number;

  constructor(held: HeldRows, outputs: OrderOutputs, { maxRows }: ReorderSpec) {
    this.#held = held;
    this.#outputs = outputs;
    this.#maxRows = maxRows;
  }

  arrive(head: Head, row: Arrival): void {
    const { place, clock, time } = row;
    if (place < head.next) {
      this.#outputs.extreme(row, 'too late');
      return;
    }
    const sub = this.#held.subOf(place, head.arrivals);
    head.arrivals++;
    this.#held.hold(sub, row);
    head.held++;
    // Rows that are still held are of later times: their waits are not over.
    if (this.#held.deadlineOf(time) <= clock) this.#release(head, sub);
    else if (head.held > this.#maxRows) this.#release(head, this.#held.survey().first);
  }

  due(head: Head, sub: Uint8Array): void {
    this.#release(head, sub);
  }

  #release(head: Head, sub: Uint8Array): void {
    const row = this.#held.take(sub);
    assert(row !== undefined, 'a timer without a row that waits');
    head.held--;
    head.next = placeIn(sub);
    this.#outputs.row(head, row);
  }
}
