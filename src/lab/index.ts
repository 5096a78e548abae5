/** The door `millrace/lab`: the incidents as runnable scenarios. Add a row here and nowhere else. */
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
export const SCENARIOS: readonly Scenario[] = [];
