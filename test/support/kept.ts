/** What questions that were asked again and again leave behind. */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

/** How many of `count` promises are still kept by somebody when all of them are forgotten here. */
export async function keptOf(count: number, ask: () => Promise<void>): Promise<number> {
  setFlagsFromString('--expose-gc');
  const collect: unknown = runInNewContext('gc');
  if (typeof collect !== 'function') throw new Error('this host has no gc()');
  const asked = Array.from({ length: count }, () => new WeakRef(raced(ask())));
  // A weak reference holds what it refers to until the end of the turn in which it was made.
  await new Promise(setImmediate);
  collect();
  return asked.filter((ref) => ref.deref() !== undefined).length;
}

/** As the loop of a job waits: beside others. */
const raced = (ready: Promise<void>): Promise<void> => Promise.race([ready, new Promise<void>(() => undefined)]);
