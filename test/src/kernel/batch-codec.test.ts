import { beforeAll, describe, expect, test } from 'vitest';
import { tableSchema } from '../../../src/data/schema.ts';
import { OUTPUT_FULL } from '../../../src/kernel/abi.ts';
import { BatchCodec } from '../../../src/kernel/batch-codec.ts';
import { ColumnBlock } from '../../../src/kernel/column-block.ts';
import type { KernelInstance } from '../../../src/kernel/instance.ts';
import { columnBatch, readColumn } from '../../support/column-batch.ts';
import { newKernels } from '../../support/kernels.ts';

const schema = tableSchema([
  { name: 'name', type: { kind: 'utf8', nullable: true } },
  { name: 'n', type: { kind: 'int32', nullable: false } },
]);

let kernels: KernelInstance;
beforeAll(async () => {
  kernels = await newKernels(32 << 20);
});

const example = () =>
  columnBatch(kernels, schema, [
    ['a', null, 'ccc'],
    [1n, 2n, 3n],
  ]);

describe('the door to batches in bytes', () => {
  test('measures exactly what it writes, and writes nothing into less', () => {
    kernels.reset();
    const codec = new BatchCodec(kernels, schema);
    const batch = example();
    const bytes = codec.encodedBytes(batch);
    const at = kernels.memory.allocate(bytes + 8);
    kernels.memory.u8.fill(0xee, at, at + bytes + 8);
    expect(codec.encode(batch, at, bytes - 1)).toBe(OUTPUT_FULL);
    expect(kernels.memory.u8.slice(at, at + bytes + 8).every((byte) => byte === 0xee)).toBe(true);
    expect(codec.encode(batch, at, bytes)).toBe(bytes);
    expect([...kernels.memory.u8.slice(at + bytes, at + bytes + 8)]).toEqual(Array.from({ length: 8 }, () => 0xee));
  });

  test('leaves out what a batch does not have', () => {
    kernels.reset();
    const codec = new BatchCodec(kernels, schema);
    const at = kernels.memory.allocate(4096);
    const back = codec.tryDecode(at, codec.encode(example(), at, 4096));
    expect(back).toMatchObject({ rows: 3, selection: 0, rowKinds: 0, timestamps: 0, watermarks: 0, origin: undefined });
    expect(back?.columns[1]?.validity).toBe(0);
    expect(readColumn(kernels.memory, 'utf8', back?.columns[0] ?? { values: 0, validity: 0 }, [0, 1, 2])).toEqual([
      'a',
      null,
      'ccc',
    ]);
  });

  test('takes memory for a source once, however many batches it sends', () => {
    kernels.reset();
    const codec = new BatchCodec(kernels, schema);
    const at = kernels.memory.allocate(4096);
    const batch = { ...example(), origin: { source: 'flights', split: 3 } };
    codec.encode(batch, at, 4096);
    const before = kernels.memory.allocate(1);
    for (let i = 0; i < 10; i++) codec.encode(batch, at, 4096);
    expect(kernels.memory.allocate(1) - before).toBe(64);
    expect(codec.tryDecode(at, codec.encode(batch, at, 4096))?.origin).toEqual({ source: 'flights', split: 3 });
  });
});

describe('columns described for kernels', () => {
  test('stand in the order of the schema, with the type that they are stored in', () => {
    kernels.reset();
    const block = new ColumnBlock(kernels.memory, schema);
    block.set([
      { values: 640, validity: 1280 },
      { values: 1920, validity: 0 },
    ]);
    const words = [...kernels.memory.u32.subarray(block.ptr / 4, block.ptr / 4 + 8)];
    expect(block.count).toBe(2);
    expect([words.slice(1, 4), words.slice(5, 8)]).toEqual([
      [640, 1280, 0],
      [1920, 0, 0],
    ]);
    expect(words[0]).not.toBe(words[4]);
    expect([block.hasNulls(0), block.hasNulls(1)]).toEqual([false, false]);
  });
});
