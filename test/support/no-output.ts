/** An output that nothing reads. */
import type { Output } from '../../src/runtime/operator.ts';

export const NoOutput: Output = {
  batch: () => undefined,
  watermark: () => undefined,
  status: () => undefined,
  end: () => undefined,
};
