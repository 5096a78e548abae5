/** Followed files as a test reads them: real files, virtual time, and a word of the system only when the test gives it. */
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { FileChange } from '../../node/connectors/file-watch.ts';
import { followedSource } from '../../node/connectors/followed-source.ts';
import { followSettings, type FollowOptions } from '../../node/connectors/read-options.ts';
import type { RecordFiles } from '../../node/connectors/record-files.ts';
import type { Json } from '../../src/base/json.ts';
import type { DeadLetter, SplitDiscovery, SplitReader } from '../../src/connector/source.ts';
import type { TableSchema } from '../../src/data/schema.ts';
import { NdjsonDecoder } from '../../src/format/ndjson.ts';
import { type Row, readRows, RowView } from '../../src/format/row-view.ts';
import type { KernelInstance } from '../../src/kernel/instance.ts';
import { VirtualClock } from '../../src/testing/virtual-clock.ts';

export const LINE: TableSchema = { fields: [{ name: 'n', type: { kind: 'int32', nullable: false } }] };

export interface FollowerOptions {
  readonly patterns: readonly string[];
  readonly kernels: KernelInstance;
  readonly follow?: FollowOptions;
  readonly chunkBytes?: number;
  /** Where each split was. */
  readonly from?: { readonly [id: string]: Json };
  readonly clock?: VirtualClock;
  /** What the files hold: lines of JSON unless said otherwise. */
  readonly of?: Pick<RecordFiles, 'format' | 'lines'>;
}

const JSON_LINES: Pick<RecordFiles, 'format' | 'lines'> = {
  format: (part) => new NdjsonDecoder(part),
  lines: { quoted: undefined, header: undefined },
};

interface SplitRow {
  readonly split: string;
  readonly n: unknown;
}

export class Follower {
  readonly clock: VirtualClock;
  readonly letters: DeadLetter[] = [];
  readonly readers = new Map<string, SplitReader>();
  readonly #options: FollowerOptions;
  readonly #news: SplitDiscovery;
  readonly #rows: SplitRow[] = [];
  #tell: (change: FileChange) => void = () => undefined;

  /** Clears the memory of `kernels`: one follower at a time. */
  constructor(options: FollowerOptions) {
    const { patterns, kernels, follow = {}, clock = new VirtualClock() } = options;
    this.#options = options;
    this.clock = clock;
    kernels.reset();
    const settings = followSettings(follow, 'the test');
    if (settings === undefined) throw new Error('nothing to follow');
    const source = followedSource({
      patterns,
      schema: LINE,
      follow: settings,
      ...(options.of ?? JSON_LINES),
      watch: {
        start: (_folders, tell) => {
          this.#tell = tell;
          return { close: () => undefined };
        },
      },
    });
    const discovery = source.discover?.(clock);
    if (discovery === undefined) throw new Error('followed files are discovered');
    this.#news = discovery;
    this.#open = async ({ id }, offset) => {
      const reader = await source.open({ id }, offset, {
        kernels,
        source: 'logs',
        splitIndex: this.readers.size,
        columns: new Set(['n']),
        batchRows: 3,
        chunkBytes: options.chunkBytes ?? 4096,
        deadLetter: (letter) => this.letters.push(letter),
      });
      this.readers.set(id, reader);
      return reader;
    };
  }

  readonly #open: (split: { readonly id: string }, offset: Json | undefined) => Promise<SplitReader>;

  /** Opens what an earlier follower had, and looks for the first time. */
  async start(): Promise<void> {
    for (const [id, offset] of Object.entries(this.#options.from ?? {})) await this.#open({ id }, offset);
    this.#news.start(this.readers.size, (split) => this.#open(split, undefined));
    await this.#settled();
  }

  /** Lets the clock bring one round about, waits until it is over, and reads, as a job does. */
  async round(): Promise<void> {
    this.clock.wakeNext();
    await this.#settled();
    this.#rows.push(...this.#poll(Number.POSITIVE_INFINITY));
  }

  /** The system says that something changed; the round that follows from it. */
  async told(change: FileChange): Promise<void> {
    this.#tell(change);
    await this.#settled();
    await this.round();
  }

  /** What was read since it was asked last, and what can be read at the moment, a batch or so beyond `most`. */
  read(most = Number.POSITIVE_INFINITY): SplitRow[] {
    const rows = this.#rows.splice(0);
    return [...rows, ...this.#poll(most - rows.length)];
  }

  #poll(most: number): SplitRow[] {
    const view = new RowView(this.#options.kernels.memory, LINE);
    const rows: SplitRow[] = [];
    for (const [split, reader] of this.readers) {
      while (rows.length < most) {
        const answer = reader.poll(Number.POSITIVE_INFINITY);
        if (answer === 'wait') break;
        if (answer === 'end' || answer === 'quantum end') throw new Error(`a followed split answers '${answer}'`);
        rows.push(...readRows(view, answer).map((row: Row) => ({ split, n: row['n'] })));
      }
    }
    return rows;
  }

  numbers(): unknown[] {
    return this.read().map(({ n }) => n);
  }

  offsets(): { readonly [id: string]: Json } {
    // Through text, as a checkpoint would hold it.
    const texts = [...this.readers].map(([id, reader]) => [id, JSON.stringify(reader.offset())] as const);
    return Object.fromEntries(texts.map(([id, text]) => [id, JSON.parse(text)]));
  }

  async stop(): Promise<void> {
    await this.#news.close();
    for (const reader of this.readers.values()) await reader.close();
    this.clock.forgetSleepers();
  }

  /** Until the round is over: then somebody sleeps. Fails with what the round failed with. */
  async #settled(): Promise<void> {
    do {
      await nextTurn();
      this.#news.take();
    } while (this.clock.sleeperCount === 0);
  }
}
