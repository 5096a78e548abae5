/**
 * A toy exactly-once pipeline over the real ports of state: reads numbers, counts them by key, checkpoints every few
 * records into a segment and a manifest, and commits its output in two phases. It can be told to make the mistakes that
 * such pipelines make, so that a simulator can be seen finding them.
 */
import type { Clock } from '../../src/base/clock.ts';
import type { CheckpointStore } from '../../src/state/checkpoint-store.ts';
import { MemoryMedium, MemoryStore } from '../../src/testing/memory-store.ts';
import type { CrashKind, CrashScenario, ProcessContext } from '../../src/testing/simulator.ts';
import type { Random } from '../../src/base/random.ts';

export type ToyBug =
  | 'commits before publishing' | 'forgets the offset' | 'forgets what to commit on recovery'
  | 'publishes before sealing' | 'does not wait for the seal' | 'waits for ever' | 'throws' | 'remembers earlier runs';

/** A table with transactions: rows become visible when theirs is committed. Committing twice changes nothing. */
class ToySink {
  readonly pending = new Map<string, readonly string[]>();
  readonly visible: string[] = [];
  readonly committed = new Set<string>();

  async prepare(id: string, rows: readonly string[]): Promise<void> {
    this.pending.set(id, rows);
  }

  async commit(id: string): Promise<void> {
    if (this.committed.has(id)) return;
    const rows = this.pending.get(id);
    if (rows === undefined) throw new Error(`nothing prepared as ${id}`);
    this.pending.delete(id);
    this.committed.add(id);
    this.visible.push(...rows);
  }

  async recover(committable: string | undefined): Promise<void> {
    if (committable !== undefined) await this.commit(committable);
    this.pending.clear();
  }
}

interface ToyWorld {
  readonly medium: MemoryMedium;
  readonly sink: ToySink;
}

interface ToyPorts {
  readonly store: CheckpointStore;
  readonly sink: ToySink;
  readonly clock: Clock;
}

interface Manifest {
  readonly offset: number;
  readonly segment: string;
  readonly committable: string;
}

/** What no process of a simulation may depend on: something outside its world. */
let runsSoFar = 0;

const encode = (value: unknown): Uint8Array => new TextEncoder().encode(JSON.stringify(value));

async function readJson<T>(store: CheckpointStore, name: string): Promise<T> {
  // Written by encode below.
  return JSON.parse(new TextDecoder().decode(await store.read(name, 0, 1e6))) as T;
}

export function toyScenario(records: readonly string[], bug?: ToyBug): CrashScenario<ToyWorld, ToyPorts> {
  return {
    createWorld: () => ({ medium: new MemoryMedium(), sink: new ToySink() }),
    connect: (world: ToyWorld, { wrap, clock }: ProcessContext) =>
      ({ store: wrap<CheckpointStore>(new MemoryStore(world.medium), 'store'), sink: wrap(world.sink, 'sink'), clock }),
    start: (ports: ToyPorts) => new ToyJob(records, ports, bug).run(),
    crash: ({ medium }: ToyWorld, kind: CrashKind, random: Random) => {
      if (kind === 'power loss') medium.powerLoss(random);
      else medium.crash();
    },
    result: ({ sink }: ToyWorld) => sink.visible,
    violation: ({ sink }: ToyWorld) =>
      new Set(sink.visible).size === sink.visible.length ? undefined : `rows stand twice: ${sink.visible.join(' ')}`,
  };
}

class ToyJob {
  readonly #records: readonly string[];
  readonly #ports: ToyPorts;
  readonly #bug: ToyBug | undefined;
  #counts: Record<string, number> = {};
  #offset = 0;
  #epoch = 0;

  constructor(records: readonly string[], ports: ToyPorts, bug: ToyBug | undefined) {
    this.#records = records;
    this.#ports = ports;
    this.#bug = bug;
  }

  async run(): Promise<void> {
    const { store, clock } = this.#ports;
    this.#epoch = await store.acquire();
    await this.#recover();
    let rows: string[] = [];
    while (this.#offset < this.#records.length) {
      const key = this.#records[this.#offset++] ?? '';
      const count = (this.#counts[key] ?? 0) + 1;
      this.#counts[key] = count;
      rows.push(`${key}${count}`);
      if (this.#offset % 3 === 0 || this.#offset === this.#records.length) {
        await this.#checkpoint(rows);
        rows = [];
      }
      if (this.#offset % 2 === 0) await clock.yield();
    }
    if (this.#bug === 'remembers earlier runs' && runsSoFar++ % 2 === 0) await clock.sleep(1);
    if (this.#bug === 'waits for ever') await new Promise<void>(() => {});
    if (this.#bug === 'throws') throw new Error('a mistake in the job');
    await store.release();
  }

  async #recover(): Promise<void> {
    const { store, sink } = this.#ports;
    const isThere = (await store.list()).some(({ name }) => name === 'manifest');
    if (!isThere) return sink.recover(undefined);
    const manifest = await readJson<Manifest>(store, 'manifest');
    this.#counts = await readJson<Record<string, number>>(store, manifest.segment);
    if (this.#bug !== 'forgets the offset') this.#offset = manifest.offset;
    await sink.recover(this.#bug === 'forgets what to commit on recovery' ? undefined : manifest.committable);
  }

  async #checkpoint(rows: readonly string[]): Promise<void> {
    const { store, sink } = this.#ports;
    const id = `${this.#epoch}-${this.#offset}`;
    const manifest: Manifest = { offset: this.#offset, segment: `segment-${id}`, committable: id };
    await sink.prepare(id, rows);
    if (this.#bug === 'commits before publishing') await sink.commit(id);
    const segment = await store.createSegment(manifest.segment);
    await segment.append(encode(this.#counts));
    if (this.#bug === 'publishes before sealing') await store.publish('manifest', encode(manifest));
    const sealed = segment.seal();
    if (this.#bug !== 'does not wait for the seal') await sealed;
    await store.publish('manifest', encode(manifest));
    await sealed;
    await sink.commit(id);
  }
}
