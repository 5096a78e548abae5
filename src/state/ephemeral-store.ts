/** A checkpoint store that keeps nothing: for jobs that do not ask for state. Sinks still commit, at every checkpoint. */
import type { CheckpointStore } from './checkpoint-store.ts';

export function ephemeralStore(): CheckpointStore {
  return {
    location: 'memory',
    acquire: () => Promise.resolve(1),
    list: () => Promise.resolve([]),
    read: (name) => Promise.reject(new RangeError(`${name} was not kept`)),
    createSegment: (name) =>
      Promise.resolve({
        name,
        append: () => Promise.resolve(),
        seal: () => Promise.resolve(),
        abandon: () => Promise.resolve(),
      }),
    publish: () => Promise.resolve(),
    remove: () => Promise.resolve(),
    release: () => Promise.resolve(),
  };
}
