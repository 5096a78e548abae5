/**
 * Rows of a key in the order of their numbers, which have no gaps but those that are given up.
 *
 *   next number   -> out, and all that are held behind it without a gap
 *   a later one   -> held until the numbers before it have come, or were given up
 *   an earlier one, one that is held, one too far ahead -> an extreme
 *
 *   given up, when a row has waited for maxWait: every number before it that is missing          (maxWait)
 *             when a key would hold more than maxRows: the numbers before the first row held     (maxRows)
 *             when for maxWait only numbers too far ahead have come: all before the one at hand  (maxAhead)
 *
 * Invariants
 *  1. Numbers go out ascending, each at most once; every number from the first on is out, in a gap, or yet to come.
 *  2. A number too far ahead never makes others be given up, but by coming for so long that it must be believed.
 * A key without a first number starts with the smallest that came before the first wait was over.
 */
import { assert } from '../../base/assert.ts';
import type { ReorderSpec } from '../../plan/reorder.ts';
import type { Head, Heads } from './heads.ts';
import { type HeldRow, type HeldRows, placeIn } from './held-rows.ts';
import type { Arrival, Gap, Order, OrderOutputs } from './order.ts';

/** Why rows are released, and what is told of the gaps before them. */
type Because = Pick<Gap, 'since' | 'givenUpAt' | 'reason'>;

export class ByNumber implements Order {
  readonly #held: HeldRows;
  readonly #heads: Heads;
  readonly #outputs: OrderOutputs;
  readonly #maxRows: number;
  readonly #maxAhead: number;

  constructor(held: HeldRows, heads: Heads, outputs: OrderOutputs, { maxRows, maxAhead }: ReorderSpec) {
    this.#held = held;
    this.#heads = heads;
    this.#outputs = outputs;
    this.#maxRows = maxRows;
    this.#maxAhead = maxAhead;
  }

  arrive(head: Head, row: Arrival): void {
    const { place, clock, time } = row;
    const sub = this.#held.subOf(place);
    if (place < head.next) this.#behind(head, row);
    else if (this.#held.has(sub)) this.#outputs.extreme(row, 'duplicate');
    else if (this.#isFar(head, place)) this.#far(head, row);
    else if (place === head.next) {
      head.farSince = Number.NaN;
      this.#emit(head, row);
      this.#drain(head);
    } else {
      head.farSince = Number.NaN;
      this.#hold(head, sub, row);
      if (this.#held.deadlineOf(time) <= clock)
        this.#ripe(head, place, { since: time, givenUpAt: clock, reason: 'maxWait' });
      else if (head.held > this.#maxRows) this.#makeRoom(head, row);
    }
  }

  due(head: Head, sub: Uint8Array, deadline: number): void {
    // Of the rows of its key, it has waited longest.
    this.#ripe(head, placeIn(sub), { since: this.#held.timeOf(sub), givenUpAt: deadline, reason: 'maxWait' });
  }

  /** The row with this number waits no longer. */
  #ripe(head: Head, place: number, because: Because): void {
    this.#start(head);
    if (!this.#isFar(head, place)) {
      this.#release(head, place, because);
      return;
    }
    // It came before the key had started.
    const row = this.#take(head, place);
    if (Number.isNaN(head.farSince)) head.farSince = row.time;
    this.#outputs.extreme(row, 'too far ahead');
    this.#drain(head);
  }

  /** A number that has had its turn. */
  #behind(head: Head, row: Arrival): void {
    const wasGivenUp = this.#heads.takeFromGap(head, row.place);
    const isForgotten = row.place <= head.forgotten;
    this.#outputs.extreme(row, wasGivenUp ? 'after its gap' : isForgotten ? 'too late' : 'duplicate');
  }

  #isFar(head: Head, place: number): boolean {
    return place - head.next > this.#maxAhead;
  }

  #far(head: Head, row: Arrival): void {
    const { farSince } = head;
    if (!Number.isNaN(farSince) && this.#held.deadlineOf(farSince) <= row.clock) {
      head.farSince = Number.NaN;
      this.#hold(head, this.#held.subOf(row.place), row);
      this.#release(head, row.place, { since: farSince, givenUpAt: row.clock, reason: 'maxAhead' });
      return;
    }
    if (Number.isNaN(farSince)) head.farSince = row.time;
    this.#outputs.extreme(row, 'too far ahead');
  }

  /** Gives the first gap up, so that at least one row goes. */
  #makeRoom(head: Head, { time }: Arrival): void {
    const { first, earliest } = this.#held.survey();
    this.#ripe(head, placeIn(first), { since: earliest, givenUpAt: time, reason: 'maxRows' });
  }

  #start(head: Head): void {
    if (!Number.isNaN(head.next)) return;
    head.next = placeIn(this.#held.survey().first);
    head.forgotten = head.next - 1;
  }

  /** All rows up to a number, and those that follow without a gap, go out; what is missing between them is given up. */
  #release(head: Head, upTo: number, because: Because): void {
    for (const place of this.#heldUpTo(head, upTo)) {
      if (place > head.next) this.#giveUp(head, { ...because, from: head.next, to: place - 1 });
      this.#emit(head, this.#take(head, place), place);
    }
    this.#drain(head);
  }

  /** Numbers that are held, ascending. */
  #heldUpTo(head: Head, upTo: number): readonly number[] {
    // Asking for each is cheaper than looking at all, when there are no more to ask for.
    const asked = upTo - head.next + 1;
    if (asked > head.held) return this.#held.places().filter((place) => place <= upTo);
    return Array.from({ length: asked }, (_, i) => head.next + i).filter((place) =>
      this.#held.has(this.#held.subOf(place)),
    );
  }

  #giveUp(head: Head, gap: Gap): void {
    this.#heads.addGap(head, gap.from, gap.to);
    this.#outputs.gap(gap);
  }

  #drain(head: Head): void {
    for (
      let sub = this.#held.subOf(head.next);
      head.held > 0 && this.#held.has(sub);
      sub = this.#held.subOf(head.next)
    ) {
      this.#emit(head, this.#take(head, head.next), head.next);
    }
  }

  #emit(head: Head, row: HeldRow, place: number = head.next): void {
    head.next = place + 1;
    this.#outputs.row(head, row);
  }

  #hold(head: Head, sub: Uint8Array, row: Arrival): void {
    this.#held.hold(sub, row);
    head.held++;
  }

  #take(head: Head, place: number): HeldRow {
    const row = this.#held.take(this.#held.subOf(place));
    assert(row !== undefined, `number ${place} is not held`);
    head.held--;
    return row;
  }
}
