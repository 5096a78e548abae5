/** Row 28 for the person who has it. */
import type { Guide } from '../scenario.ts';

export const guide: Guide = {
  symptom:
    'A state machine over the messages of each device sees them in the wrong order: a door closes before it has opened. '
    + 'Now and then a message comes an hour late, or never, and nobody knows which.',
  cause:
    'Messages take different ways and are sent again after failures, so the order in which they arrive is not the order '
    + 'in which they were sent. Whoever waits for all of them waits for ever: some are lost.',
  setting:
    "keyBy('device').reorder({ seq: 'seq', first: 1, maxWait: '10 s', maxRows: 50 }): each device's messages in the order "
    + 'of their numbers, waiting at most 10 s of event time; what is missing then goes to `.gaps`, and what comes after '
    + 'that to `.extremes`.',
  watch:
    'Rows in `.gaps` are messages that were lost or are late; a gap given up by maxRows says that the buffer is too small. '
    + 'held of the operator against maxRows times the devices.',
};
