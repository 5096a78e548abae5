/** Row 25 for the person who has it. */
import type { Guide } from '../scenario.ts';

export const guide: Guide = {
  symptom:
    'A fixed watermark delay is wrong twice: in a burst of slow deliveries a tenth of the events is late, and all other '
    + 'hours every result waits for nothing. And one device whose clock is a day ahead makes everybody else late.',
  cause:
    'The delay was guessed once, but how late events are changes with the network. And a watermark follows the largest '
    + 'timestamp, also one that cannot be true.',
  setting:
    ".watermark('at', adaptive({ lateRate: 0.005, max: '2 minutes' }), { futureSkew: '1 hour' }): the delay follows the "
    + 'lateness that was observed, so that at most so many events are late; what is dated too far ahead goes to `.future`.',
  watch:
    'The share of late rows against lateRate, and watermark delay per split in job.watermarks(). Rows in `.future` are '
    + 'clocks to repair.',
};
