/** Everything in one piece: for workers, which bundlers make as single files unless told otherwise. */
import { everyPart } from '../src/platform.ts';
import type { Engine } from './engine.ts';
import { browserKernels } from './platform.ts';

export const wholeEngine: Engine = { loadParts: everyPart, kernels: browserKernels };
