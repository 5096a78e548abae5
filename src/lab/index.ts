/** The door `millrace/lab`: the incidents as runnable scenarios. Add a row here and nowhere else. */
import { scenario as adaptiveWatermark } from './25-adaptive-watermark/scenario.ts';
import { scenario as robustReordering } from './28-robust-reordering/scenario.ts';
import type { Scenario } from './scenario.ts';

export {
  type Bound,
  describeBound,
  type FigureSpec,
  type Guide,
  holds,
  type Measurement,
  type Pattern,
  type Scenario,
} from './scenario.ts';

/** In the order of the catalogue. */
export const SCENARIOS: readonly Scenario[] = [adaptiveWatermark, robustReordering];
