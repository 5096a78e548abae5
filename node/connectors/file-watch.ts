/**
 * The port through which the system tells that files may have changed, and the machine's own. It is a hint: systems tell too
 * much, nothing at all on some network drives, and drop what comes too fast. Who uses it looks at the files by the clock too.
 */
import { type FSWatcher, watch } from 'node:fs';

/** 'content': a file has other bytes; 'names': files came, went or were renamed. */
export type FileChange = 'content' | 'names';

export interface FileWatch {
  /** Calls `tell` at each change in one of the folders, not in those inside. A folder that cannot be watched is left out. */
  start(folders: readonly string[], tell: (change: FileChange) => void): { close(): void };
}

export const systemFileWatch: FileWatch = {
  start(folders, tell) {
    const watchers = folders.flatMap((folder) => watchFolder(folder, tell));
    return {
      close() {
        for (const watcher of watchers) watcher.close();
      },
    };
  },
};

function watchFolder(folder: string, tell: (change: FileChange) => void): readonly FSWatcher[] {
  try {
    const watcher = watch(folder, (event) => tell(event === 'rename' ? 'names' : 'content'));
    // A folder that goes away, or a limit of watches: the clock is left.
    watcher.on('error', () => watcher.close());
    return [watcher];
  } catch {
    return [];
  }
}
