/**
 * The five things that flow between operators, and nothing else.
 *
 * - RecordBatch: rows.
 * - Watermark: nothing at or below it follows (on this edge).
 * - WatermarkStatus: an idle input does not hold the combined watermark back until it is active again.
 * - Barrier: cuts the stream into what checkpoint n holds and what it does not.
 * - EndOfInput: nothing follows. The final watermark comes before it when all input is done, and does not when a job is
 *   suspended.
 */
import type { EventTimeMs } from '../base/time.ts';
import type { RecordBatch } from '../data/record-batch.ts';

export type WatermarkStatus = 'active' | 'idle';

/** Statuses and ends of a single split travel with the origin of the split, from its source to the operator that makes
 * watermarks; past that there are only statuses and ends of whole edges. */
export type StreamElement =
  | { readonly kind: 'batch'; readonly batch: RecordBatch }
  | { readonly kind: 'watermark'; readonly watermark: EventTimeMs }
  | { readonly kind: 'status'; readonly status: WatermarkStatus }
  | { readonly kind: 'barrier'; readonly checkpoint: number }
  | { readonly kind: 'end' };
