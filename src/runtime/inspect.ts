/** Reads a checkpoint store without owning it: which checkpoints are whole, and what the newest whole one holds. */
import type { KernelInstance } from '../kernel/instance.ts';
import { StateArena } from '../state/arena.ts';
import type { BlobInfo, CheckpointStore } from '../state/checkpoint-store.ts';
import type { Manifest } from '../state/manifest.ts';
import { isRecord } from '../state/shape.ts';
import { manifests, readManifest, restoreState } from './checkpoint/restore.ts';

export interface InspectedCheckpoint {
  readonly name: string;
  /** Of its segments; those that it shares with other checkpoints count for each. */
  readonly bytes: number;
  readonly takenAt: number | undefined;
  /** What is wrong with it; undefined when every checksum matched. */
  readonly problem: string | undefined;
}

export interface InspectedOperator {
  readonly uid: string;
  readonly kind: string;
  readonly states: readonly { readonly name: string; readonly entries: number; readonly bytes: number }[];
  readonly ledger: { readonly [term: string]: number };
}

export interface Inspection {
  readonly job: string | undefined;
  readonly checkpoints: readonly InspectedCheckpoint[];
  readonly newest:
    | {
        readonly checkpoint: number;
        readonly finished: boolean;
        readonly operators: readonly InspectedOperator[];
        readonly offsets: readonly {
          readonly uid: string;
          readonly split: string;
          readonly position: number;
          readonly ended: boolean;
        }[];
        readonly sinks: readonly { readonly uid: string; readonly committables: number }[];
      }
    | undefined;
}

/** `kernels` is used up to the size of the state; its memory is overwritten. */
export async function inspectStore(store: CheckpointStore, kernels: KernelInstance): Promise<Inspection> {
  const checkpoints: InspectedCheckpoint[] = [];
  let newest: Inspection['newest'];
  let job: string | undefined;
  for (const blob of await manifests(store)) {
    const arena = new StateArena(kernels, kernels.maxBytes);
    const { manifest, problem } = await readWhole(store, arena, blob);
    const bytes = manifest?.segments.reduce((sum, segment) => sum + segment.bytes, 0) ?? 0;
    checkpoints.push({ name: blob.name, bytes, takenAt: manifest?.takenAt, problem });
    job ??= manifest?.job;
    if (newest === undefined && manifest !== undefined && problem === undefined) newest = contentsOf(manifest, arena);
    kernels.reset();
  }
  return { job, checkpoints, newest };
}

async function readWhole(
  store: CheckpointStore,
  arena: StateArena,
  blob: BlobInfo,
): Promise<{ readonly manifest: Manifest | undefined; readonly problem: string | undefined }> {
  const damaged: { name: string; problem: string }[] = [];
  const manifest = await readManifest(store, arena, blob, damaged);
  if (manifest === undefined) return { manifest, problem: damaged[0]?.problem ?? 'it cannot be read' };
  try {
    await restoreState(store, arena, manifest);
    return { manifest, problem: undefined };
  } catch (error) {
    return { manifest, problem: error instanceof Error ? error.message : String(error) };
  }
}

function contentsOf(manifest: Manifest, arena: StateArena): NonNullable<Inspection['newest']> {
  const states = arena.states();
  return {
    checkpoint: manifest.checkpoint,
    finished: manifest.finished,
    operators: Object.entries(manifest.kinds).map(([uid, kind]) => ({
      uid,
      kind,
      ledger: manifest.ledgers[uid] ?? {},
      states: states.filter(({ name }) => name === uid),
    })),
    offsets: Object.entries(manifest.sources).flatMap(([uid, source]) => splitsOf(uid, source)),
    sinks: Object.entries(manifest.sinks).map(([uid, committables]) => ({ uid, committables: committables.length })),
  };
}

function splitsOf(uid: string, source: unknown): { uid: string; split: string; position: number; ended: boolean }[] {
  const splits = isRecord(source) ? source['splits'] : undefined;
  return Object.entries(isRecord(splits) ? splits : {}).map(([split, state]) => ({
    uid,
    split,
    position: isRecord(state) ? Number(state['position']) : 0,
    ended: isRecord(state) && state['ended'] === true,
  }));
}
