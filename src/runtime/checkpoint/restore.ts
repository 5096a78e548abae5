/**
 * Finds the newest checkpoint that is whole and puts its state back.
 *
 * Invariants
 *  1. Every byte that is used was covered by a checksum that matched, before anything is committed or any record read.
 *  2. A damaged checkpoint is skipped and reported; the one before it is tried. When the store holds anything but no checkpoint
 *     is whole, the job does not start: an empty start would silently lose everything.
 *  3. A checkpoint of another format version or of another job is never skipped: it is an error.
 */
import { ExternalError, UserError } from '../../base/errors.ts';
import { FRAME_BYTES_MAX, type StateArena } from '../../state/arena.ts';
import type { BlobInfo, CheckpointStore } from '../../state/checkpoint-store.ts';
import {
  DamagedManifest,
  decodeManifest,
  isManifestName,
  isSegmentName,
  type Manifest,
  type SegmentInfo,
} from '../../state/manifest.ts';
import { ShapeError } from '../../state/shape.ts';

/** Bytes asked of the store at once. */
const READ_BYTES = 4 * 1024 * 1024;
const READS_AHEAD = 3;

export interface Damage {
  readonly name: string;
  readonly problem: string;
}

export interface Restored {
  readonly manifest: Manifest | undefined;
  /** Older checkpoints of the store that could be read, newest first. */
  readonly older: readonly Manifest[];
  readonly damaged: readonly Damage[];
}

/** Reads the newest whole checkpoint into `arena`; `manifest` is undefined when the store holds none. */
export async function restoreLatest(store: CheckpointStore, arena: StateArena, job: string): Promise<Restored> {
  const names = await manifests(store);
  const damaged: Damage[] = [];
  const readable: Manifest[] = [];
  for (const blob of names) {
    const manifest = await readManifest(store, arena, blob, damaged);
    if (manifest !== undefined) readable.push(checkJob(manifest, job, store.location));
  }
  for (let i = 0; i < readable.length; i++) {
    const manifest = readable[i];
    if (manifest === undefined) continue;
    try {
      await restoreState(store, arena, manifest);
      return { manifest, older: readable.slice(i + 1), damaged };
    } catch (error) {
      if (!(error instanceof DamagedSegment)) throw error;
      damaged.push({ name: error.segment, problem: error.message });
      arena.reset();
    }
  }
  // A job publishes its first manifest before it writes any segment: segments alone are what a loss has left.
  const orphan = names.length > 0 ? undefined : (await store.list()).find(({ name }) => isSegmentName(name));
  if (orphan !== undefined) damaged.push({ name: orphan.name, problem: 'no checkpoint lists it' });
  if (damaged.length > 0 || names.length > 0) throw nothingReadable(store.location, damaged);
  return { manifest: undefined, older: [], damaged };
}

/**
 * Refuses the state of another job or of another format while it is only looked at: taking ownership would stop the job
 * whose state it is.
 */
export async function refuseForeign(store: CheckpointStore, arena: StateArena, job: string): Promise<void> {
  const blobs = await manifests(store);
  const damaged: Damage[] = [];
  for (const blob of blobs) {
    const manifest = await readManifest(store, arena, blob, damaged).catch(unreadable);
    // Its owner may be at work and remove what it no longer needs; whoever takes over looks again.
    if (manifest === 'unreadable') return;
    if (manifest === undefined) continue;
    checkJob(manifest, job, store.location);
    return;
  }
  if (blobs.length > 0) throw nothingReadable(store.location, damaged);
}

function unreadable(error: unknown): 'unreadable' {
  if (error instanceof ExternalError) return 'unreadable';
  throw error;
}

/** Segments and manifests that no readable checkpoint needs: leftovers of a crash, to be removed by the new owner. */
export function leftovers(names: readonly string[], kept: readonly Manifest[]): readonly string[] {
  const needed = new Set(kept.flatMap(({ segments }) => segments.map(({ name }) => name)));
  return names.filter((name) => isSegmentName(name) && !needed.has(name));
}

function nothingReadable(path: string, damaged: readonly Damage[]): UserError {
  const list = damaged.map(({ name, problem }) => `${name}: ${problem}`).join('; ');
  return new UserError(
    'E1401',
    { path, problem: `no checkpoint in it is whole (${list})` },
    {
      hint: 'Bring the files back from a copy, or choose another state folder to begin again from the first record.',
    },
  );
}

function checkJob(manifest: Manifest, job: string, path: string): Manifest {
  if (manifest.job === job) return manifest;
  throw new UserError(
    'E1402',
    { path, found: manifest.job, expected: job },
    {
      hint: `Give this job a state folder of its own, or name it '${manifest.job}' if it is the same job.`,
    },
  );
}

/** The manifests of a store, newest first. */
export async function manifests(store: CheckpointStore): Promise<readonly BlobInfo[]> {
  const blobs = (await store.list()).filter(({ name }) => isManifestName(name));
  return blobs.sort((a, b) => (a.name < b.name ? 1 : -1));
}

export async function readManifest(
  store: CheckpointStore,
  arena: StateArena,
  { name, bytes: size }: BlobInfo,
  damaged: Damage[],
): Promise<Manifest | undefined> {
  try {
    const bytes = await store.read(name, 0, size);
    return decodeManifest(bytes, (body) => arena.checksum(body), store.location);
  } catch (error) {
    if (!(error instanceof DamagedManifest || error instanceof ShapeError || error instanceof SyntaxError)) throw error;
    damaged.push({ name, problem: error.message });
    return undefined;
  }
}

class DamagedSegment extends Error {
  override readonly name = 'DamagedSegment';
  readonly segment: string;

  constructor(segment: string, message: string) {
    super(message);
    this.segment = segment;
  }
}

export async function restoreState(store: CheckpointStore, arena: StateArena, manifest: Manifest): Promise<void> {
  for (const segment of manifest.segments) await restoreSegment(store, arena, segment);
  arena.finishRestore(manifest.arena);
}

/** Reads a segment in pieces and hands whole frames to the arena, which verifies them. */
async function restoreSegment(store: CheckpointStore, arena: StateArena, segment: SegmentInfo): Promise<void> {
  const fail = (problem: string): never => {
    throw new DamagedSegment(segment.name, problem);
  };
  let rest: Uint8Array = new Uint8Array(0);
  let frame = 0;
  /** Restores the frame that begins here; answers its bytes, 0 when it is not all here. */
  const restore = (bytes: Uint8Array): number => {
    const size = arena.frameBytes(bytes);
    if (size === undefined || size > bytes.length) return 0;
    if (Number.isNaN(size) || !arena.restoreFrame(bytes.subarray(0, size), segment.checkpoint, frame))
      fail(`frame ${frame} is damaged`);
    frame++;
    return size;
  };
  for await (const piece of piecesOf(store, segment)) {
    // Only the frame that began in the piece before is put together; the others are used where they lie.
    const begun = rest.length;
    if (begun > 0) {
      const joined = join(rest, piece.subarray(0, FRAME_BYTES_MAX));
      const size = restore(joined);
      if (size === 0 && piece.length > FRAME_BYTES_MAX) fail(`frame ${frame} is damaged`);
      rest = size === 0 ? joined : piece.subarray(size - begun);
    } else {
      rest = piece;
    }
    for (let size = restore(rest); size > 0; size = restore(rest)) rest = rest.subarray(size);
  }
  if (rest.length > 0 || frame !== segment.frames) fail(`it holds ${frame} of ${segment.frames} frames`);
}

/** The bytes of a segment in order, some reads ahead of who takes them. */
async function* piecesOf(store: CheckpointStore, segment: SegmentInfo): AsyncGenerator<Uint8Array, void> {
  const ahead: Promise<Uint8Array>[] = [];
  let asked = 0;
  for (let offset = 0; offset < segment.bytes; ) {
    for (; ahead.length < READS_AHEAD && asked < segment.bytes; asked += READ_BYTES)
      ahead.push(read(store, segment, asked));
    const piece = await ahead.shift();
    const expected = Math.min(READ_BYTES, segment.bytes - offset);
    if (piece?.length !== expected) {
      throw new DamagedSegment(
        segment.name,
        `it ends after ${offset + (piece?.length ?? 0)} of ${segment.bytes} bytes`,
      );
    }
    offset += expected;
    yield piece;
  }
}

/** A read that fails is reported where it is awaited; a read-ahead that nobody awaits any more must not count as unhandled. */
function read(store: CheckpointStore, segment: SegmentInfo, offset: number): Promise<Uint8Array> {
  const reading = readPiece(store, segment, offset);
  reading.catch(() => undefined);
  return reading;
}

async function readPiece(store: CheckpointStore, segment: SegmentInfo, offset: number): Promise<Uint8Array> {
  try {
    return await store.read(segment.name, offset, Math.min(READ_BYTES, segment.bytes - offset));
  } catch (error) {
    throw new DamagedSegment(segment.name, error instanceof Error ? error.message : String(error));
  }
}

function join(a: Uint8Array, b: Uint8Array): Uint8Array {
  if (a.length === 0) return b;
  const both = new Uint8Array(a.length + b.length);
  both.set(a);
  both.set(b, a.length);
  return both;
}
