/** Row 7 for the person who has it. */
import type { Guide } from '../scenario.ts';

export const guide: Guide = {
  symptom:
    'A join of two streams runs for minutes, then dies for want of memory while one of them is read again from the '
    + 'beginning. Or its results stop, and nothing is wrong but that one of the inputs has nothing to say.',
  cause:
    'One input is read ten times as fast as the other, and a join keeps every row whose partner the slow one has not '
    + 'brought yet: state grows with the distance of the two. And the watermark is the smallest of all splits, so that one '
    + 'silent split holds every result.',
  setting:
    "payments.watermark('at', strategy, { align: { group: 'shop', maxDrift: '30 s' }, idleAfter: '10 s' }), and the same "
    + 'for orders: whoever is more than maxDrift ahead of the slowest of the group waits; a split that is asked and has '
    + 'nothing for idleAfter is waited for no more.',
  watch:
    'job.watermarks(): isHeldBack says who waits, holds says for whom, isIdle who is waited for no more. Entries in the '
    + "join's state stay below rate times maxDrift.",
};
