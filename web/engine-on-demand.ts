/** Only what a job needs, fetched when it starts: for pages, where bytes are waited for. */
import { compileKernels } from '../src/kernel/module.ts';
import { coreKernelsRun, partsOnDemand } from '../src/platform.ts';
import type { Engine } from './engine.ts';

export const engineOnDemand: Engine = {
  loadParts: partsOnDemand,
  kernels: async (plan) => {
    const { kernelsBase64 } = await (coreKernelsRun(plan) ? import('#kernels-core') : import('#kernels'));
    return compileKernels(kernelsBase64);
  },
};
