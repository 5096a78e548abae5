/** Watermarks by a user's function. */
import { UserWatermarks } from '../operators/user-watermarks.ts';
import type { WatermarkGenerator } from '../../plan/logical.ts';
import type { Site } from './site.ts';

export function makeUserWatermarks(
  { uid, kernels, node, timestamp }: Site<'watermark'>,
  generator: WatermarkGenerator,
  splits: number,
): UserWatermarks {
  return new UserWatermarks({ uid, memory: kernels.memory, schema: node.input.schema, timestamp, generator }, splits);
}
