/** Row 15 for the person who has it. */
import type { Guide } from '../scenario.ts';

export const guide: Guide = {
  symptom:
    'Users see figures that are half a minute old, and every dashboard says that all is well: the engine takes a '
    + 'millisecond for a row, queues are empty, operators idle.',
  cause:
    'What is measured is what the engine needs for a row that it has. What upstream held before, and what a result waits '
    + 'for its watermark and its commit, is in no figure.',
  setting:
    "run(job, { lag: 'endToEnd' }), which is the default: job.lag() has for every sink the time from event to effect, in "
    + "parts that sum: source, queue, operator, watermarkWait, sink. lag: 'processing' shows the engine's own time alone.",
  watch:
    'lagP99 of every sink, and which part of it is large: source is upstream, queue is a sink or operator that is too slow, '
    + 'watermarkWait is the window and its delay, sink is the time between checkpoints.',
};
