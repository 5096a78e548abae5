/**
 * Watermark of an operator with several inputs: the smallest input watermark that is not idle.
 *
 * Invariants
 *  1. The output never goes backwards, also not when an idle input wakes behind it.
 *  2. All inputs idle: the operator is idle and its watermark stands.
 *  3. An input that has ended does not hold the others back; when all have ended the watermark is MAX_TIME.
 *  4. After restore every input starts at its snapshot watermark, never at MIN_TIME.
 * Not here: making watermarks from rows (operators/assign-watermarks.ts).
 */
import type { Json } from '../../base/json.ts';
import { type EventTimeMs, eventTimeMs, MAX_TIME, MIN_TIME } from '../../base/time.ts';

interface Input {
  watermark: EventTimeMs;
  idle: boolean;
  ended: boolean;
}

export class WatermarkTracker {
  // checkpointed
  readonly #inputs: Input[];
  #output: EventTimeMs = MIN_TIME;

  constructor(inputs: number) {
    this.#inputs = Array.from({ length: inputs }, () => ({ watermark: MIN_TIME, idle: false, ended: false }));
  }

  /** The combined watermark. */
  get watermark(): EventTimeMs {
    return this.#output;
  }

  get idle(): boolean {
    return this.#inputs.every((input) => input.idle || input.ended) && !this.ended;
  }

  get ended(): boolean {
    return this.#inputs.every((input) => input.ended);
  }

  /** Smallest watermark of the inputs other than `input` that count; MAX_TIME when there is none. */
  others(input: number): EventTimeMs {
    let least = MAX_TIME;
    this.#inputs.forEach((other, i) => {
      if (i !== input && !other.idle && !other.ended && other.watermark < least) least = other.watermark;
    });
    return least;
  }

  of(input: number): EventTimeMs {
    return this.#inputs[input]?.watermark ?? MIN_TIME;
  }

  /** Moves one input on; true when the combined watermark moved. */
  advance(input: number, watermark: EventTimeMs): boolean {
    const state = this.#at(input);
    if (watermark > state.watermark) state.watermark = watermark;
    return this.#recompute();
  }

  setIdle(input: number, idle: boolean): boolean {
    this.#at(input).idle = idle;
    return this.#recompute();
  }

  end(input: number): boolean {
    this.#at(input).ended = true;
    return this.#recompute();
  }

  snapshot(): Json {
    return { output: this.#output, inputs: this.#inputs.map(({ watermark, idle, ended }) => [watermark, idle, ended]) };
  }

  restore(state: Json): void {
    // What snapshot wrote; the manifest's checksum was verified.
    const { output, inputs } = state as { output: number; inputs: readonly (readonly [number, boolean, boolean])[] };
    this.#output = eventTimeMs(output);
    inputs.forEach(([watermark, idle, ended], i) => {
      this.#inputs[i] = { watermark: eventTimeMs(watermark), idle, ended };
    });
  }

  #at(input: number): Input {
    const state = this.#inputs[input];
    if (state === undefined) throw new RangeError(`input ${input} of ${this.#inputs.length}`);
    return state;
  }

  #recompute(): boolean {
    const counting = this.#inputs.filter((input) => !input.idle && !input.ended);
    if (counting.length === 0 && !this.ended) return false;
    const least = counting.reduce((low, input) => (input.watermark < low ? input.watermark : low), MAX_TIME);
    if (least <= this.#output) return false;
    this.#output = least;
    return true;
  }
}
