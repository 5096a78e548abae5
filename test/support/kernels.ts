/** Kernel instances for tests: compiled once per test process. */
import { kernelsBase64 } from '#kernels';
import { kernelsBase64 as coreBase64 } from '#kernels-core';
import { KernelInstance } from '../../src/kernel/instance.ts';
import { compileKernels } from '../../src/kernel/module.ts';

const compiled = compileKernels(kernelsBase64);

export const newKernels = async (maxBytes: number = 64 << 20): Promise<KernelInstance> =>
  new KernelInstance(await compiled, maxBytes);

/** Of the core edition. */
export const newCoreKernels = async (maxBytes: number = 64 << 20): Promise<KernelInstance> =>
  new KernelInstance(await compileKernels(coreBase64), maxBytes);
