/** Several streams as one. */
import { Union } from '../operators/union.ts';
import type { Site } from './site.ts';

export const makeUnion = ({ uid, kernels, port, node }: Site<'union'>): Union =>
  new Union({ uid, kernels, output: port(0), inputs: node.inputs.length });
