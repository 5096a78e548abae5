/**
 * Part files on a simulated disk: a small job with checkpoints is stopped at every call, and its output must not show
 * it.
 */
import { describe, expect, test } from 'vitest';
import type { ExternalError, UserError } from '../../../src/base/errors.ts';
import type { Json } from '../../../src/base/json.ts';
import { seededRandom } from '../../../src/base/random.ts';
import { fileSink, type RowEncoder } from '../../../src/connector/file-sink.ts';
import type { SinkWriter } from '../../../src/connector/sink.ts';
import type { RecordBatch } from '../../../src/data/record-batch.ts';
import { DiskCheckpointStore } from '../../../src/state/disk-store.ts';
import { DiskStopped, SimDisk } from '../../../src/testing/sim-disk.ts';
import { newKernels } from '../../support/kernels.ts';

const kernels = await newKernels();
const FOLDER = 'data/out';

/** A batch that stands for the one line `n`: the encoder below prints its number of rows. */
const line = (n: number): RecordBatch => ({
  schema: { fields: [] },
  rows: n,
  columns: [],
  selection: 0,
  selected: n,
  rowKinds: 0,
  timestamps: 0,
  watermarks: 0,
  origin: undefined,
});

class LineEncoder implements RowEncoder {
  #text = '';
  readonly #fill: string;
  constructor(fill: string) {
    this.#fill = fill;
  }
  get length(): number {
    return this.#text.length;
  }
  encode(batch: RecordBatch): void {
    this.#text += `${batch.rows}${this.#fill}\n`;
  }
  take(): Uint8Array {
    const bytes = new TextEncoder().encode(this.#text);
    this.#text = '';
    return bytes;
  }
}

function openSink(disk: SimDisk, epoch: number, uid = 'out', fill = ''): Promise<SinkWriter> {
  const sink = fileSink({
    disk,
    folder: FOLDER,
    location: 'the output',
    extension: 'ndjson',
    accepts: 'inserts',
    encoder: () => new LineEncoder(fill),
  });
  return sink.open({ kernels, schema: { fields: [] }, uid, job: 'job', epoch });
}

interface Manifest {
  readonly next: number;
  readonly committables: readonly Json[];
}

const LINES = 12;
const FILL = 'x'.repeat(300);

/**
 * Writes lines 0 … LINES - 1 with a checkpoint every three lines, from the last checkpoint on; every second commit
 * waits for the next.
 */
async function job(disk: SimDisk): Promise<void> {
  const store = new DiskCheckpointStore(disk, 'the state', 'data/state');
  const epoch = await store.acquire();
  const sink = await openSink(disk, epoch, 'out/ö*', FILL);
  await sink.fence();
  const names = (await store.list()).map((blob) => blob.name).sort();
  const last = names.at(-1);
  const size = (await store.list()).find((blob) => blob.name === last)?.bytes ?? 0;
  const restored: Manifest =
    last === undefined
      ? { next: 0, committables: [] }
      : (JSON.parse(new TextDecoder().decode(await store.read(last, 0, size))) as Manifest);
  await sink.recover(restored.committables);
  const waiting: Json[] = [];
  for (let n = restored.next; n < LINES; ) {
    for (let i = 0; i < 3 && n < LINES; i++) sink.write(line(n++));
    const prepared = sink.prepare(n);
    // A row that arrives while the checkpoint is prepared belongs to the next one.
    const extra = n % 2 === 0 && n < LINES;
    if (extra) sink.write(line(n));
    const committable = await prepared;
    if (committable === undefined) throw new Error('a file sink always has a committable');
    await store.publish(
      `checkpoint-${String(epoch * 100 + n).padStart(8, '0')}`,
      new TextEncoder().encode(JSON.stringify({ next: n, committables: [committable] })),
    );
    if (extra) n++;
    waiting.push(committable);
    if (waiting.length === 2 || n >= LINES) await sink.commit(waiting.splice(0));
  }
  await sink.close();
  await store.release();
}

async function output(disk: SimDisk): Promise<string> {
  const parts = (await disk.list(FOLDER)).filter((name) => name.startsWith('part-'));
  let text = '';
  for (const part of parts) text += new TextDecoder().decode(await disk.read(`${FOLDER}/${part}`, 0, 1 << 20));
  return text;
}

/** Whatever is neither output nor the one mark that says how much of it is committed. */
async function strays(disk: SimDisk): Promise<readonly string[]> {
  const names = await disk.list(FOLDER);
  const parts = names.filter((name) => name.startsWith('part-'));
  const next = String(Number(parts.at(-1)?.slice(5, 15)) + 1).padStart(10, '0');
  return names.filter((name) => !parts.includes(name) && name !== `.committed-out%2F%C3%B6%2A-${next}`);
}

const WHOLE = Array.from({ length: LINES }, (_, n) => `${n}${FILL}\n`).join('');

describe('a file sink', () => {
  test('writes each row once and in order, wherever the process or the power stops', async () => {
    const undisturbed = new SimDisk();
    await job(undisturbed);
    expect(await output(undisturbed)).toBe(WHOLE);
    expect(await strays(undisturbed)).toEqual([]);
    expect(undisturbed.calls).toBeGreaterThan(60);
    for (let call = 1; call <= undisturbed.calls; call++) {
      for (let seed = 0; seed < 12; seed++) {
        const disk = new SimDisk();
        disk.stopAt(call);
        await job(disk).catch((error: unknown) => {
          if (!(error instanceof DiskStopped)) throw error;
        });
        const what = `call ${call}, seed ${call * 100 + seed}`;
        const before = await output(disk.crash());
        expect(WHOLE.startsWith(before), `${what}: committed so far`).toBe(true);
        const left = seed === 0 ? disk.crash() : disk.powerLoss(seededRandom(call * 100 + seed));
        await job(left).catch((error: unknown) => {
          throw new Error(what, { cause: error });
        });
        expect(await output(left), what).toBe(WHOLE);
        expect(await strays(left), what).toEqual([]);
      }
    }
  });

  test('also when the restart is stopped again', async () => {
    const random = seededRandom(7);
    for (let i = 0; i < 150; i++) {
      let disk = new SimDisk();
      for (let crash = 0; crash < 3; crash++) {
        disk.stopAt(1 + (random.u32() % 110));
        await job(disk).catch(() => undefined);
        disk = random.u32() % 2 === 0 ? disk.crash() : disk.powerLoss(random);
      }
      await job(disk);
      expect(await output(disk), `round ${i} of seed 7`).toBe(WHOLE);
    }
  });

  test('an owner that was fenced fails when it commits, loudly, and never twice the rows', async () => {
    const disk = new SimDisk();
    const old = await openSink(disk, 1);
    await old.fence();
    await old.recover([]);
    old.write(line(1));
    const committable = (await old.prepare(1)) ?? null;
    old.write(line(2));
    const next = await openSink(disk, 2);
    await next.fence();
    await expect(old.commit([committable])).rejects.toMatchObject({ code: 'E1505' });
    await next.recover([committable]);
    await expect(old.commit([committable])).rejects.toMatchObject({ code: 'E1505' });
    await expect(old.prepare(2)).rejects.toMatchObject({ code: 'E1502' });
    await old.close();
    await expect(old.fence()).rejects.toMatchObject({ code: 'E1404' });
    next.write(line(3));
    await next.commit([(await next.prepare(2)) ?? null]);
    await next.close();
    expect(await output(disk)).toBe('1\n3\n');
  });

  test('refuses to start afresh in a folder that holds output, and says what to do', async () => {
    const disk = new SimDisk();
    await disk.makeFolder(FOLDER);
    await ((await disk.create(`${FOLDER}/notes.txt`)) || undefined)?.close();
    const first = await openSink(disk, 1);
    await first.fence();
    await first.recover([]);
    first.write(line(1));
    const committable = (await first.prepare(1)) ?? null;
    await first.commit([committable]);
    await first.close();
    const second = await openSink(disk, 2);
    await second.fence();
    const error = await second.recover([]).then(
      () => undefined,
      (thrown: UserError) => thrown,
    );
    expect(error?.format()).toContain(
      'error[E1503] the output folder the output cannot be used: it already holds output (part-0000000000.ndjson) of another run\n  name another folder',
    );
    const restored = await openSink(disk, 3);
    await restored.fence();
    await restored.recover([committable]);
    expect(await disk.list(FOLDER)).toEqual([
      '.committed-out-0000000001',
      '.pending-out-0000000003',
      'notes.txt',
      'part-0000000000.ndjson',
    ]);
  });

  test('takes parts back that an earlier checkpoint, restored in place of a damaged one, will write again', async () => {
    const disk = new SimDisk();
    await disk.makeFolder(FOLDER);
    const sink = await openSink(disk, 1);
    await sink.fence();
    await sink.recover([]);
    sink.write(line(1));
    const first = (await sink.prepare(1)) ?? null;
    await sink.commit([first]);
    sink.write(line(2));
    await sink.commit([(await sink.prepare(2)) ?? null]);
    await sink.close();
    const restored = await openSink(disk, 2);
    await restored.fence();
    await restored.recover([first]);
    expect(await disk.list(FOLDER)).toEqual([
      '.committed-out-0000000001',
      '.pending-out-0000000002',
      'part-0000000000.ndjson',
    ]);
  });

  test('fails when a part of the restored checkpoint is gone or torn', async () => {
    const disk = new SimDisk();
    const sink = await openSink(disk, 1);
    await sink.fence();
    const part = { name: 'part-0000000000.ndjson', bytes: 5 };
    const missing: ExternalError | undefined = await sink.recover([{ parts: [part], next: 1 }]).then(
      () => undefined,
      (thrown: ExternalError) => thrown,
    );
    expect(missing).toMatchObject({ code: 'E1505' });
    const file = await disk.create(`${FOLDER}/.pending-out-0000000001/${part.name}`);
    if (file !== false) await file.append(new Uint8Array(4));
    await expect(sink.recover([{ parts: [part], next: 1 }])).rejects.toThrow('it holds 4 bytes instead of 5');
  });

  test('starts again when committed parts were taken away, but never without one that was still pending', async () => {
    const disk = new SimDisk();
    const sink = await openSink(disk, 1);
    await sink.fence();
    await sink.recover([]);
    sink.write(line(1));
    const first = (await sink.prepare(1)) ?? null;
    sink.write(line(2));
    await sink.commit([first]);
    const second = (await sink.prepare(2)) ?? null;
    sink.write(line(3));
    const third = (await sink.prepare(3)) ?? null;
    await sink.close();
    await disk.remove(`${FOLDER}/part-0000000000.ndjson`);

    // The first checkpoint was committed; of the third one part was, and two wait.
    const both = [first, third];
    const restarted = await openSink(disk, 2);
    await restarted.fence();
    await restarted.recover(both);
    expect(await output(disk)).toBe('2\n3\n');
    restarted.write(line(4));
    await restarted.commit([(await restarted.prepare(4)) ?? null]);
    expect(await output(disk)).toBe('2\n3\n4\n');
    await restarted.close();
    for (const name of await disk.list(FOLDER)) if (name.startsWith('part-')) await disk.remove(`${FOLDER}/${name}`);
    const again = await openSink(disk, 3);
    await again.fence();
    await again.recover([second]);
    expect(await disk.list(FOLDER)).toEqual(['.committed-out-0000000002', '.pending-out-0000000003']);

    again.write(line(5));
    const pending = (await again.prepare(5)) ?? null;
    await again.close();
    await disk.remove(`${FOLDER}/.pending-out-0000000003`);
    const lost = await openSink(disk, 4);
    await lost.fence();
    await expect(lost.recover([pending])).rejects.toThrow('it is not there, neither pending nor committed');
  });

  test('removes what is pending and not in the restored checkpoint, whichever owners left it', async () => {
    const disk = new SimDisk();
    for (const epoch of [1, 2]) {
      await disk.makeFolder(`${FOLDER}/.pending-out-000000000${epoch}`);
      await (
        (await disk.create(`${FOLDER}/.pending-out-000000000${epoch}/part-000000000${epoch}.ndjson`)) || undefined
      )?.close();
    }
    await disk.makeFolder(`${FOLDER}/.pending-out-b-0000000001`);
    const sink = await openSink(disk, 3);
    await sink.fence();
    expect(await disk.list(`${FOLDER}/.pending-out-0000000003`)).toEqual([
      'part-0000000001.ndjson',
      'part-0000000002.ndjson',
    ]);
    await sink.recover([]);
    expect(await disk.list(`${FOLDER}/.pending-out-0000000003`)).toEqual([]);
    await sink.close();
    expect(await disk.list(FOLDER)).toEqual(['.pending-out-b-0000000001']);
  });

  test('two sinks in one folder never replace each other’s parts', async () => {
    const disk = new SimDisk();
    const sinks = [await openSink(disk, 1, 'a'), await openSink(disk, 1, 'b')];
    const committables: Json[] = [];
    for (const sink of sinks) {
      await sink.fence();
      await sink.recover([]);
      sink.write(line(1));
      committables.push((await sink.prepare(1)) ?? null);
    }
    await sinks[0]?.commit([committables[0] ?? null]);
    await expect(sinks[1]?.commit([committables[1] ?? null])).rejects.toMatchObject({ code: 'E1505' });
    expect(await output(disk)).toBe('1\n');
  });

  test('a full disk fails the checkpoint and the wait for room', async () => {
    const disk = new SimDisk();
    const sink = await openSink(disk, 1, 'out', 'y'.repeat(300_000));
    await sink.fence();
    await sink.recover([]);
    disk.failAt(disk.calls + 2, 'ENOSPC');
    sink.write(line(1));
    await expect(sink.prepare(1)).rejects.toMatchObject({ code: 'E1502' });
    await expect(sink.ready()).rejects.toMatchObject({ code: 'E1502' });
    await sink.close();
  });

  test('asks to wait when much is buffered, until half of it is written', async () => {
    const disk = new SimDisk();
    const sink = await openSink(disk, 1, 'out', 'y'.repeat(1 << 20));
    await sink.fence();
    await sink.recover([]);
    let open = (): void => undefined;
    const gate = new Promise<void>((resolve) => {
      open = resolve;
    });
    disk.beforeCall = () => gate;
    let writes = 0;
    while (sink.ready() === undefined && writes < 100) sink.write(line(writes++));
    expect(writes).toBe(4);
    let isReady = false;
    const waiting = sink.ready()?.then(() => {
      isReady = true;
    });
    await Promise.resolve();
    expect(isReady).toBe(false);
    open();
    await waiting;
    expect(sink.ready()).toBeUndefined();
    expect(sink.bytesWritten).toBeGreaterThan(4 << 20);
  });
});
