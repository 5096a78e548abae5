/**
 * Takes checkpoints of one task: a short synchronous cut, then background work while records flow.
 *
 *   cut (quiet graph)            background, between steps                                   after publish
 *   -------------------------    --------------------------------------------------------   --------------------
 *   ledgers balance              arena blocks -> frames -> segment, sealed                   sinks commit
 *   arena: dirty -> persisting   sinks' prepares resolve                                    old segments removed
 *   sources, operators: JSON     manifest published
 *   sinks: prepare begins
 *
 * Invariants
 *  1. Nothing is committed before the manifest that lists it is durable; then everything is, or the job fails.
 *  2. An aborted checkpoint leaves nothing behind: its blocks are dirty again, what its sinks had prepared is committed with
 *     the next one.
 *  3. A segment is removed only when no retained manifest lists it, and after the manifest that replaced it is durable.
 *  4. One checkpoint at a time.
 *  5. A checkpoint that is abandoned waits for no sink any more; one that has been published is completed all the same.
 */
import type { Clock } from '../../base/clock.ts';
import type { Json } from '../../base/json.ts';
import { Wake } from '../../base/wake.ts';
import { Histogram } from '../../metrics/histogram.ts';
import type { StateArena } from '../../state/arena.ts';
import type { CheckpointStore } from '../../state/checkpoint-store.ts';
import {
  encodeManifest,
  type Manifest,
  manifestName,
  type NodeDescriptions,
  type SegmentInfo,
  segmentName,
} from '../../state/manifest.ts';
import type { Task } from '../task.ts';

/** The segments may hold this many times the bytes of live state before all of it is written anew. */
const LOG_FACTOR = 3;

export interface CheckpointerOptions {
  readonly job: string;
  readonly epoch: number;
  readonly store: CheckpointStore;
  readonly arena: StateArena;
  readonly task: Task;
  readonly clock: Clock;
  readonly nodes: NodeDescriptions;
  /** Checkpoints kept besides the newest are `retained - 1`. */
  readonly retained: number;
  /** Segments of fewer bytes are never written anew. */
  readonly logBytes: number;
}

/** What the checkpoint machinery has done so far, for metrics. */
export interface CheckpointCounts {
  completed: number;
  aborted: number;
  bytes: number;
  /** Of the blocks of state that had changed: what `bytes` would be without heads of runs and frames. */
  changedBytes: number;
  /** Duration of the synchronous cut, and of the whole until everything was committed. */
  readonly cutMs: Histogram;
  readonly persistMs: Histogram;
}

type Cut = Pick<Manifest, 'sources' | 'operators' | 'ledgers' | 'takenAt' | 'finished' | 'arena'> & {
  readonly prepared: ReadonlyMap<string, Promise<Json | undefined>>;
  readonly changedBytes: number;
};

export class Checkpointer {
  readonly counts: CheckpointCounts = {
    completed: 0,
    aborted: 0,
    bytes: 0,
    changedBytes: 0,
    cutMs: new Histogram(),
    persistMs: new Histogram(),
  };
  readonly #options: CheckpointerOptions;
  #next: number;
  #segments: readonly SegmentInfo[];
  #retained: Manifest[];
  /** Per sink: what the next manifest has to list, oldest first. */
  readonly #uncommitted = new Map<string, Json[]>();
  /** Per sink: what the last manifest listed; it stands in manifests until something replaces it. */
  readonly #committed = new Map<string, readonly Json[]>();
  /** Ends the wait for sinks. */
  #abandoned = new Wake();
  /** The next segment holds all of the state and replaces every earlier one. */
  #full = false;

  /** `from` is what was restored, already under this epoch's name (adopt), or the manifest of an empty start. */
  constructor(options: CheckpointerOptions, from: Manifest, retained: readonly Manifest[]) {
    this.#options = options;
    this.#next = from.checkpoint + 1;
    this.#segments = from.segments;
    this.#retained = [from, ...retained];
    for (const [uid, committables] of Object.entries(from.sinks)) this.#committed.set(uid, committables);
  }

  /** Cuts now (the graph must be quiet) and writes in the background; resolves when everything is committed. */
  take(finished: boolean): Promise<void> {
    const { clock } = this.#options;
    const began = clock.monotonicMs();
    const checkpoint = this.#next++;
    const cut = this.#cut(checkpoint, finished);
    this.counts.cutMs.record(clock.monotonicMs() - began);
    this.#abandoned = new Wake();
    return this.#persist(checkpoint, cut).finally(() => this.counts.persistMs.record(clock.monotonicMs() - began));
  }

  /** A checkpoint that still waits for its sinks fails. */
  abandon(): void {
    this.#abandoned.wake();
  }

  #cut(checkpoint: number, finished: boolean): Cut {
    const { task, arena, clock } = this.#options;
    task.checkLedgers(finished);
    if (this.#logIsLong()) this.#full = true;
    if (this.#full) arena.markAllDirty();
    const changedBytes = arena.beginSnapshot();
    const prepared = new Map(task.sinks.map((sink) => [sink.uid, sink.writer.prepare(checkpoint)] as const));
    // A prepare that fails is reported where it is awaited; until then it must not count as unhandled.
    for (const promise of prepared.values()) promise.catch(() => undefined);
    const ledgers = Object.fromEntries(
      [...task.sources, ...task.operators].map(({ uid, ledger }) => [uid, { ...ledger }]),
    );
    return {
      ...task.snapshot(),
      ledgers,
      takenAt: clock.now(),
      finished,
      arena: arena.describe(),
      prepared,
      changedBytes,
    };
  }

  #logIsLong(): boolean {
    const logged = this.#segments.reduce((sum, segment) => sum + segment.bytes, 0);
    return logged > Math.max(this.#options.logBytes, LOG_FACTOR * this.#options.arena.usedBytes());
  }

  async #persist(checkpoint: number, cut: Cut): Promise<void> {
    let manifest: Manifest;
    try {
      const segment = await this.#writeSegment(checkpoint);
      const prepared = await this.#collectPrepared(cut);
      manifest = this.#manifestOf(checkpoint, cut, segment, prepared);
      await this.#publish(manifest);
    } catch (error) {
      this.counts.aborted++;
      this.#options.arena.abortSnapshot();
      throw error;
    }
    this.#segments = manifest.segments;
    this.#full = false;
    this.counts.changedBytes += cut.changedBytes;
    this.counts.completed++;
    await this.#commit(manifest);
    await this.#collectGarbage(manifest);
  }

  async #writeSegment(checkpoint: number): Promise<SegmentInfo | undefined> {
    const { arena, store, epoch, clock } = this.#options;
    let frame = arena.nextFrame(checkpoint, 0);
    if (frame === undefined) return undefined;
    const writer = await store.createSegment(segmentName(epoch, checkpoint));
    let frames = 0;
    let bytes = 0;
    try {
      for (; frame !== undefined; frame = arena.nextFrame(checkpoint, frames)) {
        frames++;
        bytes += frame.length;
        await writer.append(frame);
        await clock.yield();
      }
      await writer.seal();
    } catch (error) {
      await writer.abandon().catch(() => undefined);
      throw error;
    }
    this.counts.bytes += bytes;
    return { name: writer.name, bytes, frames, checkpoint };
  }

  /** Waits for the sinks; what is prepared stays to be listed until a manifest that lists it is published. */
  async #collectPrepared(cut: Cut): Promise<ReadonlyMap<string, readonly Json[]>> {
    for (const [uid, promise] of cut.prepared) {
      const committable = await Promise.race([promise, this.#abandoned.promise]);
      // Whoever abandons a checkpoint does not ask what it fails with.
      if (this.#abandoned.aborted) throw new Error('the checkpoint is abandoned');
      if (committable !== undefined) this.#uncommitted.set(uid, [...(this.#uncommitted.get(uid) ?? []), committable]);
    }
    return new Map([...this.#uncommitted].map(([uid, committables]) => [uid, [...committables]]));
  }

  #manifestOf(
    checkpoint: number,
    cut: Cut,
    segment: SegmentInfo | undefined,
    prepared: ReadonlyMap<string, readonly Json[]>,
  ): Manifest {
    const { job, epoch, nodes } = this.#options;
    const before = this.#full ? [] : this.#segments;
    const { sources, operators, ledgers, takenAt, finished } = cut;
    return {
      job,
      checkpoint,
      epoch,
      takenAt,
      finished,
      sources,
      operators,
      ledgers,
      ...nodes,
      arena: cut.arena,
      segments: segment === undefined ? before : [...before, segment],
      sinks: { ...Object.fromEntries(this.#committed), ...Object.fromEntries(prepared) },
    };
  }

  async #publish(manifest: Manifest): Promise<void> {
    const { store, arena } = this.#options;
    await store.publish(
      manifestName(manifest.epoch, manifest.checkpoint),
      encodeManifest(manifest, (bytes) => arena.checksum(bytes)),
    );
  }

  async #commit(manifest: Manifest): Promise<void> {
    for (const { uid, writer } of this.#options.task.sinks) {
      const committables = this.#uncommitted.get(uid);
      if (committables === undefined) continue;
      await writer.commit(committables);
      this.#uncommitted.delete(uid);
      this.#committed.set(uid, manifest.sinks[uid] ?? []);
    }
  }

  async #collectGarbage(manifest: Manifest): Promise<void> {
    const { store, retained } = this.#options;
    this.#retained = [manifest, ...this.#retained];
    const dropped = this.#retained.slice(retained);
    this.#retained = this.#retained.slice(0, retained);
    const needed = new Set(this.#retained.flatMap(({ segments }) => segments.map(({ name }) => name)));
    const segments = new Set(
      dropped.flatMap((old) => old.segments.map(({ name }) => name)).filter((name) => !needed.has(name)),
    );
    const manifests = dropped.map((old) => manifestName(old.epoch, old.checkpoint));
    // Manifests first: one that outlives its segments would look damaged.
    if (manifests.length > 0) await store.remove(manifests);
    if (segments.size > 0) await store.remove([...segments]);
  }
}
