/**
 * The checkpoint store port: named blobs, durable on publish, owned by one epoch at a time.
 *
 * A checkpoint is a manifest blob that names segment blobs. Segments are written first and are immutable once sealed; the
 * manifest is published last and at once. The store knows neither format.
 *
 * Invariants
 *  1. publish resolves only when the blob and every segment sealed before it survive a power loss; before that moment a
 *     reader sees nothing of it.
 *  2. acquire gives an epoch greater than any before. From then on publish, createSegment and remove of an earlier epoch
 *     fail with E1404.
 *  3. remove of a blob that a reader still needs is the caller's mistake: the store removes what it is told.
 *  4. A store that holds anything reports it: `list` never answers empty because of an error.
 */

export interface BlobInfo {
  readonly name: string;
  readonly bytes: number;
}

export interface SegmentWriter {
  readonly name: string;
  /** Takes ownership of `bytes`. Resolves when the store has taken them over; durability comes with `seal`. */
  append(bytes: Uint8Array): Promise<void>;
  /** Flushes; after this the segment is durable together with the next publish. */
  seal(): Promise<void>;
  /** Gives the segment up and removes what there is of it. */
  abandon(): Promise<void>;
}

export interface CheckpointStore {
  /** Where it is, for messages: a path, a database name. */
  readonly location: string;
  /** Becomes the owner and fences every earlier one. */
  acquire(): Promise<number>;
  list(): Promise<readonly BlobInfo[]>;
  read(name: string, offset: number, length: number): Promise<Uint8Array>;
  createSegment(name: string): Promise<SegmentWriter>;
  /** Replaces a blob of this name as a whole, or creates it. */
  publish(name: string, bytes: Uint8Array): Promise<void>;
  remove(names: readonly string[]): Promise<void>;
  release(): Promise<void>;
}
