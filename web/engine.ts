/**
 * What of the engine a page brings for a job: the parts that its plan needs, and kernels that can run it.
 *
 * Not here: the two ways to bring it (whole-engine.ts, engine-on-demand.ts).
 */
import type { LoadParts, PhysicalPlan } from '../src/platform.ts';

export interface Engine {
  readonly loadParts: LoadParts;
  readonly kernels: (plan: PhysicalPlan) => Promise<WebAssembly.Module>;
}
