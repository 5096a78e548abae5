/** Files that grow, are rotated, cut, removed and found again, read as they come and over restarts. */
import {
  appendFileSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  truncateSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { csvFormat } from '../../../node/connectors/csv-files.ts';
import { ndjsonFiles } from '../../../node/connectors/ndjson-files.ts';
import type { FileReadOptions } from '../../../node/connectors/read-options.ts';
import type { Json } from '../../../src/base/json.ts';
import { below, seededRandom } from '../../../src/base/random.ts';
import { VirtualClock } from '../../../src/testing/virtual-clock.ts';
import { Follower, type FollowerOptions, LINE } from '../../support/follower.ts';
import { newKernels } from '../../support/kernels.ts';

const kernels = await newKernels();
const line = (n: number): string => `{"n":${n}}\n`;
let folder: string;
let follower: Follower | undefined;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'millrace-follow-'));
});
afterEach(async () => {
  await follower?.stop();
  follower = undefined;
  rmSync(folder, { recursive: true, force: true });
});

const at = (name: string): string => join(folder, name);

async function follow(pattern: string, options: Partial<FollowerOptions> = {}): Promise<Follower> {
  await follower?.stop();
  follower = new Follower({ patterns: [at(pattern)], kernels, ...options });
  await follower.start();
  return follower;
}

describe('a followed file', () => {
  test('is read to its end, and then as it grows', async () => {
    writeFileSync(at('app.log'), line(1) + line(2));
    const reading = await follow('app.log');
    expect(reading.numbers()).toEqual([1, 2]);
    expect(reading.numbers()).toEqual([]);
    appendFileSync(at('app.log'), line(3));
    await reading.round();
    expect(reading.numbers()).toEqual([3]);
    appendFileSync(at('app.log'), line(4));
    await reading.told('content');
    expect(reading.numbers()).toEqual([4]);
  });

  test('gives its last line when the newline is there, whatever comes before', async () => {
    writeFileSync(at('app.log'), `${line(1)}{"n":`);
    const reading = await follow('app.log');
    expect(reading.numbers()).toEqual([1]);
    for (const text of ['2', '3', '}']) {
      appendFileSync(at('app.log'), text);
      await reading.round();
      expect(reading.numbers()).toEqual([]);
    }
    appendFileSync(at('app.log'), '\n');
    await reading.round();
    expect(reading.numbers()).toEqual([23]);
    expect(reading.letters).toEqual([]);
  });

  test('that is not there yet is waited for', async () => {
    const reading = await follow('app.log');
    expect(reading.numbers()).toEqual([]);
    writeFileSync(at('app.log'), `\ufeff${line(1)}`);
    await reading.round();
    expect(reading.numbers()).toEqual([1]);
  });

  test('that is rotated is finished, with what is still written to it, before the next begins', async () => {
    writeFileSync(at('app.log'), line(1));
    const reading = await follow('app.log', { follow: { rotateWait: '3 s' } });
    expect(reading.numbers()).toEqual([1]);
    renameSync(at('app.log'), at('app.log.1'));
    writeFileSync(at('app.log'), line(10));
    await reading.round();
    appendFileSync(at('app.log.1'), line(2));
    await reading.round();
    expect(reading.numbers()).toEqual([2]);
    appendFileSync(at('app.log.1'), '{"n":3}');
    for (let i = 0; i < 6; i++) await reading.round();
    expect(reading.numbers()).toEqual([3, 10]);
    expect(reading.letters).toEqual([]);
    appendFileSync(at('app.log'), line(11));
    await reading.round();
    expect(reading.numbers()).toEqual([11]);
  });

  test('that is removed is read to its end, and the one that is made anew after it', async () => {
    writeFileSync(at('app.log'), line(1));
    const reading = await follow('app.log', { follow: { rotateWait: '1 s' } });
    unlinkSync(at('app.log'));
    for (let i = 0; i < 3; i++) await reading.round();
    expect(reading.numbers()).toEqual([1]);
    writeFileSync(at('app.log'), line(2));
    for (let i = 0; i < 3; i++) await reading.round();
    expect(reading.numbers()).toEqual([2]);
  });

  test('that is cut is an error that says how much had been read', async () => {
    writeFileSync(at('app.log'), line(1) + line(2));
    const reading = await follow('app.log');
    reading.numbers();
    truncateSync(at('app.log'), 3);
    await expect(reading.round()).rejects.toThrow(
      `not all that was in ${at('app.log')} can be read: it was cut to 3 bytes, 16 bytes of it had been read`,
    );
  });

  test('that is written anew is an error, also when it has become longer meanwhile', async () => {
    writeFileSync(at('app.log'), line(1) + line(2));
    const reading = await follow('app.log');
    reading.numbers();
    writeFileSync(at('app.log'), line(7) + line(8) + line(9));
    await expect(reading.round()).rejects.toThrow('it was written anew, 16 bytes of it had been read');
  });

  test('that is cut is read from its start again, and counted, when that is asked for', async () => {
    writeFileSync(at('app.log'), `${line(1)}{"n":2`);
    const reading = await follow('app.log', { follow: { onLoss: 'continue' } });
    expect(reading.numbers()).toEqual([1]);
    writeFileSync(at('app.log'), line(7));
    await reading.round();
    expect(reading.numbers()).toEqual([7]);
    // The line that the cut left without an end.
    expect(reading.letters).toHaveLength(1);
    expect(reading.readers.get('app.log')?.counters?.filesLost).toBe(1);
    appendFileSync(at('app.log'), line(8));
    await reading.round();
    expect(reading.numbers()).toEqual([8]);
  });
});

describe('followed files of a pattern', () => {
  test('become more: each new name is a split, compressed ones are not followed', async () => {
    writeFileSync(at('a.log'), line(1));
    const reading = await follow('*.log*');
    expect(reading.read()).toEqual([{ split: 'a.log', n: 1 }]);
    writeFileSync(at('b.log'), line(2));
    writeFileSync(at('a.log.1.gz'), 'no lines at all\n');
    await reading.round();
    expect(reading.read()).toEqual([{ split: 'b.log', n: 2 }]);
    expect(reading.letters).toEqual([]);
  });

  test('are not read twice under the names that rotation gives them', async () => {
    writeFileSync(at('app.log'), line(1));
    const options = { follow: { rotateWait: '1 s' } } as const;
    let reading = await follow('app.log*', options);
    const seen = reading.numbers();
    for (let n = 2; n < 6; n++) {
      for (let i = n; i > 1; i--) if (i > 2) renameSync(at(`app.log.${i - 2}`), at(`app.log.${i - 1}`));
      renameSync(at('app.log'), at('app.log.1'));
      writeFileSync(at('app.log'), line(n));
      for (let i = 0; i < 4; i++) await reading.round();
      seen.push(...reading.numbers());
      reading = await follow('app.log*', { ...options, from: reading.offsets() });
      seen.push(...reading.numbers());
    }
    expect(seen).toEqual([1, 2, 3, 4, 5]);
    expect([...reading.readers.keys()]).toEqual(['app.log']);
  });

  test('that were rotated while nobody looked are found by their new names', async () => {
    writeFileSync(at('app.log'), line(1) + line(2));
    let reading = await follow('app.log*');
    expect(reading.read(1)).toEqual([1, 2].map((n) => ({ split: 'app.log', n })));
    const from = reading.offsets();
    await reading.stop();
    appendFileSync(at('app.log'), line(3));
    renameSync(at('app.log'), at('app.log.1'));
    writeFileSync(at('app.log'), line(4));
    renameSync(at('app.log.1'), at('app.log.2'));
    renameSync(at('app.log'), at('app.log.1'));
    writeFileSync(at('app.log'), line(5));
    reading = await follow('app.log*', { from, follow: { rotateWait: '1 s' } });
    for (let i = 0; i < 3; i++) await reading.round();
    expect(reading.numbers().sort()).toEqual([3, 4, 5]);
  });

  test('are read though they begin alike and have the inode of one that was read before', async () => {
    const banner = `{"n":0,"text":"${'x'.repeat(300)}"}\n`;
    writeFileSync(at('app.log'), banner + line(1));
    const options = { follow: { rotateWait: '1 s' } } as const;
    let reading = await follow('app.log*', options);
    const seen = reading.numbers();
    for (let n = 2; n < 8; n++) {
      // The oldest file becomes the newest: as when it is removed, and a file that is made gets its inode.
      const oldest = existsSync(at('app.log.2')) ? readFileSync(at('app.log.2')) : undefined;
      if (oldest !== undefined) renameSync(at('app.log.2'), at('.free'));
      if (existsSync(at('app.log.1'))) renameSync(at('app.log.1'), at('app.log.2'));
      renameSync(at('app.log'), at('app.log.1'));
      if (oldest !== undefined) renameSync(at('.free'), at('app.log'));
      writeFileSync(at('app.log'), banner + line(n));
      for (let i = 0; i < 4; i++) await reading.round();
      seen.push(...reading.numbers());
      if (n % 2 === 0) reading = await follow('app.log*', { ...options, from: reading.offsets() });
      seen.push(...reading.numbers());
    }
    expect(seen).toEqual([1, 2, 3, 4, 5, 6, 7].flatMap((n) => [0, n]));
  });

  test('that stand in the place of one that was being read are told from it after a restart', async () => {
    const banner = `{"n":0,"text":"${'x'.repeat(300)}"}\n`;
    writeFileSync(at('app.log'), banner + line(1) + line(2));
    let reading = await follow('app.log');
    expect(reading.numbers()).toEqual([0, 1, 2]);
    const from = reading.offsets();
    await reading.stop();
    writeFileSync(at('app.log'), banner + line(3) + line(4) + line(5));
    await expect(follow('app.log', { from })).rejects.toMatchObject({ code: 'E1507' });
    reading = await follow('app.log', { from, follow: { onLoss: 'continue' } });
    expect(reading.numbers()).toEqual([0, 3, 4, 5]);
  });

  test('of which one is gone after a restart are an error, or counted', async () => {
    writeFileSync(at('app.log'), line(1));
    let reading = await follow('app.log');
    reading.numbers();
    const from = reading.offsets();
    await reading.stop();
    unlinkSync(at('app.log'));
    writeFileSync(at('app.log'), line(2));
    await expect(follow('app.log', { from })).rejects.toMatchObject({ code: 'E1507' });
    reading = await follow('app.log', { from, follow: { onLoss: 'continue' } });
    expect(reading.numbers()).toEqual([2]);
    expect(reading.readers.get('app.log')?.counters?.filesLost).toBe(1);
  });

  test('give every line once, in order of each name, over appends, rotations and restarts at any moment', async () => {
    for (let seed = 0; seed < 40; seed++) {
      rmSync(folder, { recursive: true, force: true });
      folder = mkdtempSync(join(tmpdir(), 'millrace-follow-'));
      const { written, read } = await randomRun(seed);
      const rows = [...read.values()].flat().sort((a, b) => a - b);
      expect(rows, `seed ${seed}`).toEqual(Array.from({ length: written }, (_, n) => n));
      for (const [split, of] of read) expect(of, `seed ${seed}, ${split}`).toEqual([...of].sort((a, b) => a - b));
    }
  }, 60_000);
});

/** Writes by pieces to two names, rotates them, reads and starts again; ends when all is read. */
async function randomRun(seed: number): Promise<{ written: number; read: ReadonlyMap<string, number[]> }> {
  const random = seededRandom(seed);
  const names = ['a.log', 'b.log'];
  let read = new Map<string, number[]>();
  /** What of the last line of a file is still to be written. */
  const rest = new Map<string, string>();
  const clock = new VirtualClock();
  const options = { follow: { rotateWait: '2 s' }, chunkBytes: 1 + below(random, 40), clock } as const;
  let rotated = 0;
  let next = 0;
  let reading = await follow('*.log*', options);
  let from: { readonly [id: string]: Json } = {};
  let kept = new Map(read);
  const take = (most?: number): void => {
    for (const { split, n } of reading.read(most)) read.set(split, [...(read.get(split) ?? []), Number(n)]);
  };
  for (let step = 0; step < 60; step++) {
    const name = names[below(random, 2)] ?? '';
    const what = below(random, 10);
    if (what < 5) {
      const text = (rest.get(name) ?? '') + line(next++);
      const cut = below(random, text.length + 1);
      appendFileSync(at(name), text.slice(0, cut));
      rest.set(name, text.slice(cut));
      if (cut % 3 === 0) take(1 + below(random, 4));
    } else if (what === 5) {
      // A line that is not finished before the file is rotated ends with it.
      appendFileSync(at(name), `${rest.get(name) ?? ''}{"n":${next++}}`);
      rest.delete(name);
      renameSync(at(name), at(`${name}.${rotated++}`));
      writeFileSync(at(name), '');
    } else if (what === 6) {
      take(1 + below(random, 4));
      from = reading.offsets();
      kept = new Map([...read].map(([split, rows]) => [split, [...rows]]));
    } else if (what === 7) {
      // A crash: what was read since the checkpoint is read again.
      read = new Map([...kept].map(([split, rows]) => [split, [...rows]]));
      reading = await follow('*.log*', { ...options, from });
    } else await reading.round();
  }
  for (const [name, text] of rest) appendFileSync(at(name), text);
  // Of a file that was found by its second name alone, nobody knows that its last line is not written on.
  for (const name of readdirSync(folder))
    if (!readFileSync(at(name), 'utf8').endsWith('\n')) appendFileSync(at(name), '\n');
  for (let i = 0; i < 10 + 4 * rotated; i++) {
    await reading.round();
    take();
  }
  await reading.stop();
  expect(reading.letters, `seed ${seed}`).toEqual([]);
  return { written: next, read };
}

describe('followed files with a header', () => {
  const options = {
    of: csvFormat({ header: true, separator: ',' }),
    follow: { rotateWait: '1 s' },
  } as const;
  const rotated = async (reading: Follower, name: string, text: string): Promise<void> => {
    renameSync(at('app.csv'), at(name));
    writeFileSync(at('app.csv'), text);
    for (let i = 0; i < 4; i++) await reading.round();
  };

  test('go on after a restart wherever the header of the next one is on its way', async () => {
    const whole = 'text,n\nc,3\n';
    for (let there = 0; there <= whole.length; there++) {
      writeFileSync(at('app.csv'), 'text,n\na,1\n');
      const places: unknown[] = [];
      for (const isRestarted of [false, true]) {
        let reading = await follow('app.csv', options);
        const seen = reading.numbers();
        await rotated(reading, 'old', whole.slice(0, there));
        seen.push(...reading.numbers());
        if (isRestarted) reading = await follow('app.csv', { ...options, from: reading.offsets() });
        appendFileSync(at('app.csv'), `${whole.slice(there)}d,none\ne,5\n`);
        await reading.round();
        expect([...seen, ...reading.numbers()], `${there} bytes`).toEqual([1, 3, 5]);
        places.push(reading.letters.map(({ offset }) => offset));
        await reading.stop();
        rmSync(at('old'));
        writeFileSync(at('app.csv'), 'text,n\na,1\n');
      }
      expect(places[1], `${there} bytes`).toEqual(places[0]);
    }
  });

  test.each(['text,n', '\u00ef', ''])(
    'do not wait for ever for the rest of %j once it has been rotated',
    async (cut) => {
      writeFileSync(at('app.csv'), 'text,n\na,1\n');
      const reading = await follow('app.csv', options);
      expect(reading.numbers()).toEqual([1]);
      await rotated(reading, 'old.1', '');
      writeFileSync(at('app.csv'), Buffer.from(cut, 'latin1'));
      await rotated(reading, 'old.2', 'text,n\nb,2\n');
      expect(reading.numbers()).toEqual([2]);
      expect(reading.letters).toEqual([]);
    },
  );

  test('take nothing of the next file into a record that is not closed', async () => {
    writeFileSync(at('app.csv'), 'text,n\na,1\n"cut,2');
    let reading = await follow('app.csv', options);
    expect(reading.numbers()).toEqual([1]);
    await rotated(reading, 'old.1', 'text,n\n"b",3\nc,4\n"cut\n');
    expect(reading.numbers()).toEqual([3, 4]);
    expect(reading.letters).toHaveLength(1);
    reading = await follow('app.csv', { ...options, from: reading.offsets() });
    await rotated(reading, 'old.2', 'text,n\n"d",5\n');
    expect(reading.numbers()).toEqual([5]);
    expect(reading.letters.map(({ bytes }) => Buffer.from(bytes).toString())).toEqual(['"cut']);
  });
});

describe('what cannot be followed', () => {
  const source = (path: string, options: FileReadOptions) => ndjsonFiles(path, LINE, options);

  test('is told before anything is read', async () => {
    await expect(source(at('nowhere/app.log'), { follow: true }).splits()).rejects.toMatchObject({ code: 'E1504' });
    // A user of JavaScript.
    expect(() => source(at('a'), { follow: { poll: 1 } } as FileReadOptions)).toThrow("unknown option 'poll'");
    // As above.
    expect(() => source(at('a'), { folow: true } as FileReadOptions)).toThrow("unknown option 'folow'");
    expect(() => source(at('a'), { follow: { pollEvery: '0 s' } })).toThrow('pollEvery of ndjsonFiles');
    // As above.
    const wrong = { follow: { onLoss: 'ignore' } } as unknown as FileReadOptions;
    expect(() => source(at('a'), wrong)).toThrow("onLoss of ndjsonFiles must be 'fail' or 'continue', but is 'ignore'");
  });
});
