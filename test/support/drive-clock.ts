/**
 * Drives one piece of asynchronous work on a virtual clock to its end: lets everything run that can, then wakes the
 * next sleeper. Everything that is not a promise reaction has to come from that clock.
 */
import { microtasks, type VirtualClock } from '../../src/testing/virtual-clock.ts';

/** How a driven piece of work ended. 'stuck': it waits for something that will never come. */
export type Ending =
  | { readonly end: 'done' }
  | { readonly end: 'failed'; readonly error: unknown }
  | { readonly end: 'stuck' };

/** Work that neither ends nor sleeps for so many rounds never will. */
const IDLE_ROUNDS_MAX = 100;

/** `until`: also stops when this answers true, as 'stuck'. */
export async function driveClock(
  work: Promise<unknown>,
  clock: VirtualClock,
  until: () => boolean = () => false,
): Promise<Ending> {
  let ending: Ending | undefined;
  work.then(
    () => {
      ending = { end: 'done' };
    },
    (error: unknown) => {
      ending = { end: 'failed', error };
    },
  );
  for (let idle = 0; idle < IDLE_ROUNDS_MAX; ) {
    await microtasks();
    if (ending !== undefined) return ending;
    if (until()) break;
    idle = clock.wakeNext() ? 0 : idle + 1;
  }
  return { end: 'stuck' };
}
