/**
 * Texts that repeat, by number: whatever batches come one after the other, the string of a row's slot is that of its bytes.
 * The oracle keeps for each slot the text that the row had which it was given to first.
 */
import { describe, expect, test } from 'vitest';
import { below, type Random, seededRandom } from '../../../src/base/random.ts';
import type { RecordBatch } from '../../../src/data/record-batch.ts';
import { TextDictionary } from '../../../src/format/text-dictionary.ts';
import type { KernelInstance } from '../../../src/kernel/instance.ts';
import { newKernels } from '../../support/kernels.ts';

const SLOTS = 4096;
const ROWS = 512;
const AREA = ROWS * 64;
const SCHEMA = { fields: [{ name: 't', type: { kind: 'utf8', nullable: true } as const }] };

interface Texts {
  readonly views: number;
  readonly area: number;
  readonly validity: number;
  readonly selection: number;
}

function room({ memory }: KernelInstance): Texts {
  const [views = 0, area = 0, validity = 0, selection = 0] = [ROWS * 8, AREA, ROWS / 8, ROWS * 4].map((bytes) =>
    memory.allocate(bytes),
  );
  return { views, area, validity, selection };
}

/** Writes texts as a batch; undefined is null. Every second row is selected when `half`. */
function batchOf(
  kernels: KernelInstance,
  at: Texts,
  texts: readonly (string | undefined)[],
  half: boolean,
): RecordBatch {
  const { u8, u32 } = kernels.memory;
  let end = at.area;
  u8.fill(0, at.validity, at.validity + ROWS / 8);
  texts.forEach((text, row) => {
    const bytes = new TextEncoder().encode(text ?? '');
    u8.set(bytes, end);
    u32[(at.views >>> 2) + row * 2] = end;
    u32[(at.views >>> 2) + row * 2 + 1] = bytes.length;
    end += bytes.length;
    if (text !== undefined) u8[at.validity + (row >> 3)] = (u8[at.validity + (row >> 3)] ?? 0) | (1 << (row & 7));
    u32[(at.selection >>> 2) + row] = row * 2;
  });
  const selected = half ? texts.length >> 1 : texts.length;
  return {
    schema: SCHEMA,
    rows: texts.length,
    columns: [{ values: at.views, validity: at.validity }],
    selection: half ? at.selection : 0,
    selected,
    rowKinds: 0,
    timestamps: 0,
    watermarks: 0,
    origin: undefined,
  };
}

/** Finds the slots of a batch as a view does, and checks and keeps the string of each selected row. How many were known. */
function check(
  kernels: KernelInstance,
  dictionary: TextDictionary,
  batch: RecordBatch,
  texts: readonly (string | undefined)[],
): number {
  const slots = dictionary.find(batch.columns[0] ?? { values: 0, validity: 0 }, batch);
  if (slots === 0) return 0;
  let known = 0;
  for (let k = 0; k < batch.selected; k++) {
    const row = batch.selection === 0 ? k : k * 2;
    const text = texts[row];
    if (text === undefined) continue;
    const slot = kernels.memory.u32[(slots >>> 2) + row] ?? -1;
    const held = dictionary.strings[slot];
    if (held !== undefined) {
      known++;
      // An expectation for each of a million rows would take most of the time.
      if (held !== text) throw new Error(`row ${row} is '${text}', its slot ${slot} holds '${held}'`);
    } else if (slot < SLOTS) dictionary.strings[slot] = text;
  }
  return known;
}

/** Texts of all lengths to 60, many of which share their first 8 or 16 bytes. */
function someTexts(random: Random, count: number): string[] {
  return Array.from({ length: count }, (_, i) => {
    if (i % 3 === 0) return `sameword${1000 + i}`;
    const length = below(random, 61);
    const text = `${i % 2 === 0 ? 'the same beginning' : ''}${i}`;
    return text.repeat(5).slice(below(random, 2) === 0 ? 0 : text.length >> 1, length);
  });
}

describe('texts by number', () => {
  test('are those of the rows, batch after batch, also when there are more texts than slots', async () => {
    const kernels = await newKernels();
    let known = 0;
    for (let seed = 1; seed <= 20; seed++) {
      kernels.reset();
      const random = seededRandom(seed);
      const at = room(kernels);
      const dictionary = new TextDictionary(kernels);
      const distinct = someTexts(random, [3, 300, 3000, 20_000][seed % 4] ?? 3);
      for (let n = 0; n < 90; n++) {
        // New texts crowd out old ones in some batches; most of them repeat, so that the kernel does not rest.
        const from = below(random, distinct.length);
        const texts = Array.from({ length: ROWS }, () =>
          below(random, 9) === 0 ? undefined : distinct[(from + below(random, 40)) % distinct.length],
        );
        const batch = batchOf(kernels, at, texts, n % 3 === 0);
        try {
          known += check(kernels, dictionary, batch, texts);
        } catch (error) {
          throw new Error(`seed ${seed}, batch ${n}`, { cause: error });
        }
      }
    }
    expect(known).toBeGreaterThan(100_000);
  });

  test('are known from the second batch on when they repeat', async () => {
    const kernels = await newKernels();
    const at = room(kernels);
    const dictionary = new TextDictionary(kernels);
    const texts = Array.from({ length: ROWS }, (_, row) => `sensor-${row % 200}`);
    check(kernels, dictionary, batchOf(kernels, at, texts, false), texts);
    expect(check(kernels, dictionary, batchOf(kernels, at, texts, false), texts)).toBe(ROWS);
  });

  test('are not looked for in the batches after one in which nearly all were new', async () => {
    const kernels = await newKernels();
    const at = room(kernels);
    const dictionary = new TextDictionary(kernels);
    const found = Array.from({ length: 200 }, (_, n) => {
      const texts = Array.from({ length: ROWS }, (_, row) => `${n} ${row}`);
      const batch = batchOf(kernels, at, texts, false);
      return dictionary.find(batch.columns[0] ?? { values: 0, validity: 0 }, batch) !== 0;
    });
    expect(found.filter(Boolean).length).toBe(4);
  });

  test('may end where memory ends', async () => {
    const kernels = await newKernels();
    const at = room(kernels);
    const dictionary = new TextDictionary(kernels);
    const { u8, u32 } = kernels.memory;
    const text = 'at the end';
    const batch = batchOf(kernels, at, [text, 'at the end '], false);
    u8.set(new TextEncoder().encode(text), u8.length - text.length);
    u32[at.views >>> 2] = u8.length - text.length;
    for (let n = 0; n < 2; n++) check(kernels, dictionary, batch, [text, 'at the end ']);
    expect(dictionary.strings.filter((held) => held !== undefined)).toEqual(expect.arrayContaining([text]));
  });
});
