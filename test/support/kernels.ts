/** Kernel instances for tests: compiled once per test process. */
import { kernelsBase64 } from '#kernels';
import { KernelInstance } from '../../src/kernel/instance.ts';
import { compileKernels } from '../../src/kernel/module.ts';

const compiled = compileKernels(kernelsBase64);

export const newKernels = async (maxBytes: number = 64 << 20): Promise<KernelInstance> =>
  new KernelInstance(await compiled, maxBytes);
