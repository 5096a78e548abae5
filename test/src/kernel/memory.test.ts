import { kernelsBase64 } from '#kernels';
import { describe, expect, test } from 'vitest';
import { InternalError } from '../../../src/base/errors.ts';
import { KernelInstance } from '../../../src/kernel/instance.ts';
import { FRAME_BYTES } from '../../../src/kernel/memory.ts';
import { compileKernels } from '../../../src/kernel/module.ts';
import { newKernels } from '../../support/kernels.ts';

describe('linear memory', () => {
  test('gives views that are whole again after it has grown', async () => {
    const { memory } = await newKernels(128 * FRAME_BYTES);
    const first = memory.allocate(8);
    memory.u32[first / 4] = 7;
    const before = memory.u32;
    const last = memory.allocate(64 * FRAME_BYTES);
    expect(before.length).toBe(0);
    memory.u8[last + 64 * FRAME_BYTES - 1] = 5;
    expect([memory.u32[first / 4], memory.i32[first / 4], memory.view.getUint32(first, true)]).toEqual([7, 7, 7]);
    expect(memory.u8[last + 64 * FRAME_BYTES - 1]).toBe(5);
    expect([memory.f64, memory.i64].map(({ byteLength }) => byteLength)).toEqual([memory.u8.length, memory.u8.length]);
  });

  test('hands out parts that are aligned to 64 bytes and do not overlap', async () => {
    const { memory } = await newKernels();
    const parts = [1, 63, 64, 65, 4096, FRAME_BYTES, 3].map((bytes) => ({ at: memory.allocate(bytes), bytes }));
    for (const { at } of parts) expect(at % 64).toBe(0);
    for (const [i, { at, bytes }] of parts.entries()) {
      for (const other of parts.slice(i + 1)) expect(other.at >= at + bytes || other.at + other.bytes <= at).toBe(true);
    }
  });

  test('says how much was wanted when it is used up, and has all of it again after a reset', async () => {
    const kernels = await newKernels(4 * FRAME_BYTES);
    const fill = (): number => {
      for (let parts = 0; ; parts++) {
        try {
          kernels.memory.allocate(FRAME_BYTES / 2);
        } catch (error) {
          expect(error).toBeInstanceOf(InternalError);
          expect(String(error)).toContain(`no ${FRAME_BYTES / 2} bytes of transient memory left`);
          return parts;
        }
      }
    };
    const parts = fill();
    expect(parts).toBeGreaterThan(2);
    expect(kernels.takenBytes()).toBeLessThanOrEqual(kernels.maxBytes);
    kernels.reset();
    expect(fill()).toBe(parts);
  });
});

describe('an instance', () => {
  test('refuses a memory that is too little, or more than 32 bits can name', async () => {
    const compiled = await compileKernels(kernelsBase64);
    for (const bytes of [0, 2 ** 32 + 1])
      expect(() => new KernelInstance(compiled, bytes)).toThrow(`memory of ${bytes} bytes`);
    expect(new KernelInstance(compiled, 2 * FRAME_BYTES + 1).maxBytes).toBe(3 * FRAME_BYTES);
  });

  test('names a kernel that the build does not have', async () => {
    const kernels = await newKernels();
    expect(() => kernels.function('fly')).toThrow('no kernel named fly');
  });
});
