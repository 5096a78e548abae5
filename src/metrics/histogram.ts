/**
 * A histogram with fixed relative error: buckets grow by 2^(1/8), so a quantile is right within 9% of its value. Constant
 * memory, no allocation per record; two histograms merge by adding their buckets.
 */

const STEPS_PER_OCTAVE = 8;
/** 2^-10 .. 2^42: microseconds to months when the unit is ms, bytes to terabytes. */
const LOWEST_OCTAVE = -10;
const OCTAVES = 52;

export class Histogram {
  readonly #buckets = new Float64Array(OCTAVES * STEPS_PER_OCTAVE);
  #count = 0;
  #sum = 0;
  #max = 0;

  /** Values below zero count as zero. */
  record(value: number): void {
    this.#count++;
    this.#sum += value;
    if (value > this.#max) this.#max = value;
    const bucket = bucketOf(value);
    this.#buckets[bucket] = (this.#buckets[bucket] ?? 0) + 1;
  }

  get count(): number {
    return this.#count;
  }

  get sum(): number {
    return this.#sum;
  }

  get max(): number {
    return this.#max;
  }

  /** The value below which the share `q` of all values lies, at the upper end of its bucket, never above the largest seen. */
  quantile(q: number): number {
    const rank = Math.ceil(q * this.#count);
    let seen = 0;
    for (let bucket = 0; bucket < this.#buckets.length; bucket++) {
      seen += this.#buckets[bucket] ?? 0;
      if (seen >= rank && seen > 0) return Math.min(this.#max, 2 ** ((bucket + 1) / STEPS_PER_OCTAVE + LOWEST_OCTAVE));
    }
    return this.#max;
  }
}

function bucketOf(value: number): number {
  const bucket = Math.floor((Math.log2(Math.max(value, 2 ** LOWEST_OCTAVE)) - LOWEST_OCTAVE) * STEPS_PER_OCTAVE);
  return Math.min(bucket, OCTAVES * STEPS_PER_OCTAVE - 1);
}
