/**
 * Looks after all files that a source follows: what their names lead to, whether they grew, which ones are there for the first
 * time.
 *
 *   the system tells, or `pollMs` are over --> names that match --> new files of known names, new names --> every split looks
 *
 * Invariants
 *  1. The system's word is a hint; the clock's rounds alone are enough to find everything.
 *  2. A file belongs to one split: under whatever name it is found again, it is not read twice.
 *  3. A name that was not there before is a new split; names of compressed files are not followed.
 * Not here: reading (followed-split.ts), matching names (glob.ts).
 */
import type { Clock } from '../../src/base/clock.ts';
import type { Json } from '../../src/base/json.ts';
import { Wake } from '../../src/base/wake.ts';
import type { SplitFinder } from '../../src/connector/new-splits.ts';
import type { SourceSplit } from '../../src/connector/source.ts';
import type { FileChange, FileWatch } from './file-watch.ts';
import { FollowedSplit } from './followed-split.ts';
import { findFiles, type FoundFile, foldersOf, isCompressed } from './glob.ts';
import { lastRecord, type LineRules, recordAt } from './line-start.ts';
import type { FollowSettings, StartPosition } from './read-options.ts';

/** What comes in this time belongs to the same round: whoever writes line by line is not looked at line by line. */
const SETTLE_MS = 20;

export interface LookoutSettings extends FollowSettings {
  readonly lines: LineRules;
}

export interface LookoutPorts {
  readonly clock: Clock;
  readonly watch: FileWatch;
}

export class Lookout implements SplitFinder {
  readonly #patterns: readonly string[];
  readonly #settings: LookoutSettings;
  readonly #ports: LookoutPorts;
  readonly #splits = new Map<string, FollowedSplit>();
  #paths: ReadonlyMap<string, string> = new Map();
  #found: readonly FoundFile[] = [];
  #watching: { close(): void } | undefined;
  /** Ids of what was there in the first round. */
  #first: ReadonlySet<string> | undefined;
  #told: FileChange | undefined;
  /** When names were looked for last. */
  #namesAt = 0;
  #wake = new Wake();
  #isClosed = false;

  constructor(patterns: readonly string[], settings: LookoutSettings, ports: LookoutPorts) {
    this.#patterns = patterns;
    this.#settings = settings;
    this.#ports = ports;
  }

  /** Opens a split by its id: where an earlier run was, at `startAt` when it is there from the first, or at its beginning. */
  async open(
    id: string,
    offset: Json | undefined,
    chunkBytes: number,
    startAt?: StartPosition,
  ): Promise<FollowedSplit> {
    const path = await this.#pathOf(id);
    const { waitMs, onLoss, lines } = this.#settings;
    const split = new FollowedSplit({ path, chunkBytes, waitMs, onLoss, header: lines.header });
    if (offset === undefined) split.begin(this.#first?.has(id) === true ? firstByteOf(path, startAt, lines) : 0);
    else
      split.resume(
        offset,
        this.#found.map((file) => file.path),
      );
    this.#splits.set(id, split);
    return split;
  }

  /** Where the file of a split is, or is to be. */
  async #pathOf(id: string): Promise<string> {
    if (!this.#paths.has(id)) await this.#findNames();
    const known = this.#paths.get(id);
    if (known !== undefined) return known;
    // A name that no file has at the moment lies where others of its source do.
    const [folder = '.'] = foldersOf(this.#patterns);
    return `${folder}/${id}`;
  }

  /** Names for which there is no split: all of them at first. */
  async next(): Promise<readonly SourceSplit[]> {
    let change: FileChange = 'names';
    while (!this.#isClosed) {
      const fresh = await this.#round(change);
      if (fresh.length > 0) return fresh;
      change = await this.#change();
    }
    return [];
  }

  close(): void {
    this.#isClosed = true;
    this.#watching?.close();
    this.#wake.wake();
    for (const split of this.#splits.values()) split.tell();
  }

  async #round(change: FileChange): Promise<readonly SourceSplit[]> {
    const fresh = change === 'names' ? await this.#findNames() : [];
    this.#first ??= new Set(fresh.map(({ id }) => id));
    if (this.#isClosed) return [];
    const now = this.#ports.clock.monotonicMs();
    for (const split of this.#splits.values()) {
      split.look(now);
      split.tell();
    }
    return fresh;
  }

  async #change(): Promise<FileChange> {
    this.#watching ??= this.#ports.watch.start(foldersOf(this.#patterns), (change) => this.#hear(change));
    const { clock } = this.#ports;
    const due = this.#namesAt + this.#settings.pollMs;
    if (this.#told === undefined) await clock.sleep(Math.max(0, due - clock.monotonicMs()), this.#wake);
    if (this.#told !== undefined && !this.#isClosed) await clock.sleep(SETTLE_MS);
    const told = this.#told ?? 'names';
    this.#told = undefined;
    this.#wake = new Wake();
    // Whoever writes without a pause must not keep new names from being found.
    return clock.monotonicMs() >= due ? 'names' : told;
  }

  #hear(change: FileChange): void {
    if (this.#told !== 'names') this.#told = change;
    this.#wake.wake();
  }

  /** Gives files to splits by their names; the names that are new. */
  async #findNames(): Promise<readonly SourceSplit[]> {
    this.#namesAt = this.#ports.clock.monotonicMs();
    const { files, missing } = await findFiles(this.#patterns);
    // Files of splits are closed by then, and must stay so.
    if (this.#isClosed) return [];
    this.#found = files.filter(({ path }) => !isCompressed(path));
    this.#paths = new Map([...this.#found, ...missing].map(({ id, path }) => [id, path]));
    const fresh: SourceSplit[] = [];
    for (const file of this.#found) {
      const { id } = file;
      if ([...this.#splits.values()].some((split) => split.has(file))) continue;
      const split = this.#splits.get(id);
      if (split === undefined) fresh.push({ id });
      else split.succeed();
    }
    const keys = new Set(this.#found.map(({ key }) => key));
    for (const split of this.#splits.values()) split.forget((key) => keys.has(key));
    return fresh;
  }
}

function firstByteOf(path: string, startAt: StartPosition, lines: LineRules): number {
  if (startAt === undefined) return 0;
  return startAt === 'end' ? lastRecord(path, lines) : (recordAt(path, startAt, lines) ?? 0);
}
