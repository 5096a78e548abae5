/**
 * Watermark of an operator with several inputs: the smallest of those that are active and have caught up.
 *
 *            idle                     active, behind the output
 *   counts ---------> idle -----------------------------------> behind
 *     ^                 |  active, not behind                       |
 *     +-----------------+-------------------------------------------+  its watermark reaches the output
 *
 * Invariants
 *  1. The output never goes backwards: an input that wakes behind it does not count before it has caught up.
 *  2. When the input that holds the output back is the last to become idle, the highest watermark of the idle ones goes out:
 *     whoever is silent now waits for nobody. Then the operator is idle.
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
  /** Woken behind the output, and not there yet. */
  behind: boolean;
}

type InputState = readonly [watermark: number, idle: boolean, ended: boolean, behind?: boolean];

export class WatermarkTracker {
  // checkpointed
  readonly #inputs: Input[];
  #output: EventTimeMs = MIN_TIME;
  // transient
  #told: EventTimeMs = MIN_TIME;

  constructor(inputs: number) {
    this.#inputs = Array.from({ length: inputs }, newInput);
  }

  /** One more input: active, and waited for until it has said where it is or is idle. */
  add(): void {
    this.#inputs.push(newInput());
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
      if (i !== input && counts(other) && other.watermark < least) least = other.watermark;
    });
    return least;
  }

  of(input: number): EventTimeMs {
    return this.#inputs[input]?.watermark ?? MIN_TIME;
  }

  isIdle(input: number): boolean {
    return this.#at(input).idle;
  }

  /** Whether the input holds the combined watermark back when it is lower: active, not ended, and not behind. */
  counts(input: number): boolean {
    return counts(this.#at(input));
  }

  /** Moves one input on, unless it is idle; true when there is a combined watermark to pass on. */
  advance(input: number, watermark: EventTimeMs): boolean {
    const state = this.#at(input);
    if (!state.idle && watermark > state.watermark) {
      state.watermark = watermark;
      if (watermark >= this.#output) state.behind = false;
      this.#recompute();
    }
    return this.#tell();
  }

  /** What came on one input: MAX_TIME says that it has ended. True when there is a combined watermark to pass on. */
  pass(input: number, watermark: EventTimeMs): boolean {
    return watermark === MAX_TIME ? this.end(input) : this.advance(input, watermark);
  }

  /** True when there is a combined watermark to pass on. */
  setIdle(input: number, idle: boolean): boolean {
    const state = this.#at(input);
    if (state.idle === idle || state.ended) return false;
    state.idle = idle;
    state.behind = !idle && state.watermark < this.#output;
    if (idle && this.idle) {
      if (state.watermark === this.#output) this.#raise(this.#highestIdle());
    } else this.#recompute();
    // Rows wake an input and follow at once: they carry the watermark, which is passed on behind them.
    return idle && this.#tell();
  }

  end(input: number): boolean {
    this.#at(input).ended = true;
    this.#recompute();
    return this.#tell();
  }

  snapshot(): Json {
    return {
      output: this.#output,
      inputs: this.#inputs.map(({ watermark, idle, ended, behind }) => [watermark, idle, ended, behind]),
    };
  }

  restore(state: Json): void {
    // What snapshot wrote; the manifest's checksum was verified.
    const { output, inputs } = state as { output: number; inputs: readonly InputState[] };
    this.#output = this.#told = eventTimeMs(output);
    inputs.forEach(([watermark, idle, ended, behind = false], i) => {
      this.#inputs[i] = { watermark: eventTimeMs(watermark), idle, ended, behind };
    });
  }

  #at(input: number): Input {
    const state = this.#inputs[input];
    if (state === undefined) throw new RangeError(`input ${input} of ${this.#inputs.length}`);
    return state;
  }

  #recompute(): void {
    if (this.ended) this.#raise(MAX_TIME);
    const counting = this.#inputs.filter(counts);
    if (counting.length === 0) return;
    this.#raise(counting.reduce((low, input) => (input.watermark < low ? input.watermark : low), MAX_TIME));
  }

  #highestIdle(): EventTimeMs {
    const idle = this.#inputs.filter((input) => !input.ended);
    return idle.reduce((high, input) => (input.watermark > high ? input.watermark : high), MIN_TIME);
  }

  #raise(watermark: EventTimeMs): void {
    if (watermark > this.#output) this.#output = watermark;
  }

  /** Whether the output is still to be passed on; asked once for each move. */
  #tell(): boolean {
    const isNews = this.#output > this.#told;
    this.#told = this.#output;
    return isNews;
  }
}

const newInput = (): Input => ({ watermark: MIN_TIME, idle: false, ended: false, behind: false });

const counts = (input: Input): boolean => !input.idle && !input.ended && !input.behind;
