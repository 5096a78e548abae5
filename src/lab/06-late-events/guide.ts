/** Row 6 for the person who has it. */
import type { Guide } from '../scenario.ts';

export const guide: Guide = {
  symptom:
    'Totals per hour are lower than those of the books, every hour by a little, and nothing anywhere says which events are '
    + 'missing.',
  cause:
    'An event that arrives after its window has fired has no window to go to. How many there are is decided by the longest '
    + 'delays, not by the usual one: half of these conversions come within three minutes, one in a hundred takes half an '
    + 'hour.',
  setting:
    ".window(tumbling('1 hour'), { allowedLateness: '30 minutes', results: 'retracting' }) and a sink for changes: a late "
    + 'row takes the earlier total back and puts the right one in its place. What comes later still goes to `.late`: '
    + "perHour.late.to(ndjsonSink('late')).",
  watch:
    'late of the window in the ledger, which counts them whether somebody reads `.late` or not; and that in = applied + '
    + 'late + filtered + dead letters, which the engine itself checks at every checkpoint.',
};
