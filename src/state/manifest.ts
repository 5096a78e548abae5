/**
 * The manifest of a checkpoint: everything of one consistent cut of a job, committed by publishing one blob.
 *
 *   millrace checkpoint 1\n<checksum of the rest, 16 hex digits>\n<JSON>
 *
 * Invariants
 *  1. A manifest is whole or refused: the checksum covers every byte after it.
 *  2. The format version stands before anything that depends on it, so that a manifest of another version is told apart
 *     from a damaged one.
 *  3. Segments are listed in the order in which they apply: a block in a later one replaces the same block of an earlier one.
 */
import { UserError } from '../base/errors.ts';
import type { Json } from '../base/json.ts';
import { z } from './shape.ts';

export const FORMAT_VERSION = 1;
const MAGIC = 'millrace checkpoint';

export interface SegmentInfo {
  readonly name: string;
  readonly bytes: number;
  readonly frames: number;
  /** The checkpoint that wrote it: part of what each frame's checksum covers. */
  readonly checkpoint: number;
}

export interface Manifest {
  readonly job: string;
  readonly checkpoint: number;
  readonly epoch: number;
  /** Processing time of the barrier, ms: for people, never for the engine. */
  readonly takenAt: number;
  /** All input had ended and everything was given out: the job is done. */
  readonly finished: boolean;
  readonly segments: readonly SegmentInfo[];
  /** What the arena keeps outside its pages: names of its states. */
  readonly arena: Json;
  readonly sources: { readonly [uid: string]: Json };
  readonly operators: { readonly [uid: string]: Json };
  /** Per sink what has to be committed; recovery commits it again. */
  readonly sinks: { readonly [uid: string]: readonly Json[] };
  readonly ledgers: { readonly [uid: string]: { readonly [term: string]: number } };
  /** Kind of each operator, for inspect and for messages. */
  readonly kinds: { readonly [uid: string]: string };
  /** Each operator with state as it was (plan/node-description.ts); none in manifests of versions that did not say it. */
  readonly states: { readonly [uid: string]: Json };
}

/** What a manifest says of the operators of its job. */
export type NodeDescriptions = Pick<Manifest, 'kinds' | 'states'>;

export type Checksum = (bytes: Uint8Array) => string;

const digits = (n: number): string => String(n).padStart(10, '0');

/** Manifests sort by epoch, then checkpoint: what a later owner wrote stands above anything of an earlier one. */
export const manifestName = (epoch: number, checkpoint: number): string =>
  `checkpoint-${digits(epoch)}-${digits(checkpoint)}`;
export const segmentName = (epoch: number, checkpoint: number): string =>
  `segment-${digits(epoch)}-${digits(checkpoint)}`;
export const isManifestName = (name: string): boolean => /^checkpoint-\d{10}-\d{10}$/.test(name);
export const isSegmentName = (name: string): boolean => /^segment-\d{10}-\d{10}$/.test(name);

export function encodeManifest(manifest: Manifest, checksum: Checksum): Uint8Array {
  const body = new TextEncoder().encode(JSON.stringify(manifest));
  const head = new TextEncoder().encode(`${MAGIC} ${FORMAT_VERSION}\n${checksum(body)}\n`);
  const bytes = new Uint8Array(head.length + body.length);
  bytes.set(head);
  bytes.set(body, head.length);
  return bytes;
}

/** What is wrong with a blob that should be a manifest, as text for people. */
export class DamagedManifest extends Error {
  override readonly name = 'DamagedManifest';
}

/** Throws E1403 for another format version and DamagedManifest for anything that is not a whole manifest. */
export function decodeManifest(bytes: Uint8Array, checksum: Checksum, location: string): Manifest {
  const versionEnd = bytes.indexOf(10);
  const checksumEnd = bytes.indexOf(10, versionEnd + 1);
  const text = new TextDecoder();
  const version = new RegExp(`^${MAGIC} (\\d+)$`).exec(text.decode(bytes.subarray(0, Math.max(0, versionEnd))));
  if (version === null || checksumEnd < 0) throw new DamagedManifest('it does not begin like a checkpoint');
  if (Number(version[1]) !== FORMAT_VERSION) {
    throw new UserError(
      'E1403',
      { path: location, found: Number(version[1]), expected: FORMAT_VERSION },
      {
        hint: 'Run it with the version of millrace that wrote it, or start anew with another state folder.',
      },
    );
  }
  const body = bytes.subarray(checksumEnd + 1);
  const expected = text.decode(bytes.subarray(versionEnd + 1, checksumEnd));
  if (checksum(body) !== expected) throw new DamagedManifest('its checksum does not match');
  return manifestShape(JSON.parse(text.decode(body)));
}

const manifestShape = z.object<Manifest>({
  job: z.text,
  checkpoint: z.number,
  epoch: z.number,
  takenAt: z.number,
  finished: z.flag,
  segments: z.list(z.object<SegmentInfo>({ name: z.text, bytes: z.number, frames: z.number, checkpoint: z.number })),
  arena: z.json,
  sources: z.record(z.json),
  operators: z.record(z.json),
  sinks: z.record(z.list(z.json)),
  ledgers: z.record(z.record(z.number)),
  kinds: z.record(z.text),
  states: (value, path) => z.record(z.json)(value ?? {}, path),
});
