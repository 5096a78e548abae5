/**
 * A second place that remembers that state exists, so that a lost database is not taken for a fresh start.
 *
 * The marker of the browser is a small file in the origin's private file system (OPFS): reachable from pages and workers,
 * and kept apart from the files of IndexedDB, so it outlives a database that the browser found corrupt and deleted. It does
 * not outlive the eviction of all that an origin has; only a copy elsewhere, or persistent storage, guards against that.
 */
export interface GenerationMarker {
  /** The generation written last; undefined when none was. */
  read(): Promise<string | undefined>;
  write(generation: string): Promise<void>;
  /** Forgets it: the user starts afresh on purpose. */
  clear(): Promise<void>;
}

const FOLDER = 'millrace';

/** The marker of a database, or undefined where the browser has no such file system (insecure pages, older Safari). */
export async function opfsMarker(databaseName: string): Promise<GenerationMarker | undefined> {
  const root = await openRoot();
  if (root === undefined) return undefined;
  const folder = await root.getDirectoryHandle(FOLDER, { create: true });
  const name = `${encodeURIComponent(databaseName)}.generation`;
  return {
    read: () => orMissing(async () => (await (await folder.getFileHandle(name)).getFile()).text()),
    write: async (generation) => {
      const file = await folder.getFileHandle(name, { create: true });
      // The new content takes the place of the old one at close, at once.
      const writable = await file.createWritable();
      await writable.write(generation);
      await writable.close();
    },
    clear: async () => {
      await orMissing(() => folder.removeEntry(name));
    },
  };
}

async function openRoot(): Promise<FileSystemDirectoryHandle | undefined> {
  // Absent on pages without a secure context, whatever the types say.
  const storage: StorageManager | undefined = globalThis.navigator.storage;
  if (storage === undefined || typeof FileSystemFileHandle === 'undefined') return undefined;
  if (!('createWritable' in FileSystemFileHandle.prototype)) return undefined;
  try {
    return await storage.getDirectory();
  } catch (error) {
    if (error instanceof DOMException && error.name === 'SecurityError') return undefined;
    throw error;
  }
}

async function orMissing<T>(attempt: () => Promise<T>): Promise<T | undefined> {
  try {
    return await attempt();
  } catch (error) {
    if (error instanceof DOMException && error.name === 'NotFoundError') return undefined;
    throw error;
  }
}
