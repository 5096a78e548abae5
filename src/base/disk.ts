/**
 * The disk port: the few operations on files that checkpoints and file sinks need, with their durability spelled out.
 * node/ implements it on a directory, millrace/testing in memory with power loss. Paths are relative, '/'-separated,
 * without '.' or '..'. Failures are thrown as ExternalError E1501 (reading) or E1502 (writing, with the system's code in
 * the text: ENOSPC, EXDEV, EACCES, …).
 *
 * What survives a power loss: bytes of a file after its `sync`; a name (create, rename, remove) after `syncDirectory` of
 * the folder that holds it. Nothing else may be assumed.
 */
export interface Disk {
  /** Creates `path` for appending; its folder exists. With `exclusive`, false when it exists already; otherwise truncates. */
  create(path: string, options?: { readonly exclusive?: boolean }): Promise<DiskFile | false>;
  /** The bytes [offset, offset + length) of a file, fewer at its end. */
  read(path: string, offset: number, length: number): Promise<Uint8Array>;
  /** Bytes of a file; undefined when there is none. */
  size(path: string): Promise<number | undefined>;
  /** Names in a folder, sorted; empty when there is no such folder. */
  list(folder: string): Promise<readonly string[]>;
  /** Makes a folder and its parents. */
  makeFolder(folder: string): Promise<void>;
  /** Atomically gives a file (or folder) another name, replacing a file of that name. Never a copy. False when `from` does not exist. */
  rename(from: string, to: string): Promise<boolean>;
  /** Removes a file, or a folder with all it holds; nothing happens when it does not exist. */
  remove(path: string): Promise<void>;
  syncDirectory(folder: string): Promise<void>;
}

export interface DiskFile {
  append(bytes: Uint8Array): Promise<void>;
  /** Durable on the medium. After a failed sync the file must be abandoned, never synced again. */
  sync(): Promise<void>;
  close(): Promise<void>;
}
