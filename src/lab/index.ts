/** The door `millrace/lab`: the incidents as runnable scenarios. Add a row here and nowhere else. */
import { scenario as efficientWindowing } from './04-efficient-windowing/scenario.ts';
import { scenario as lateEvents } from './06-late-events/scenario.ts';
import { scenario as synchronizedWatermark } from './07-synchronized-watermark/scenario.ts';
import { scenario as stateObservability } from './14-state-observability/scenario.ts';
import { scenario as comprehensiveLag } from './15-comprehensive-lag/scenario.ts';
import { scenario as statefulTtl } from './24-stateful-ttl/scenario.ts';
import { scenario as adaptiveWatermark } from './25-adaptive-watermark/scenario.ts';
import { scenario as timeDomainIsolation } from './26-time-domain-isolation/scenario.ts';
import { scenario as unifiedTime } from './27-unified-time/scenario.ts';
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
export const SCENARIOS: readonly Scenario[] = [
  efficientWindowing,
  lateEvents,
  synchronizedWatermark,
  stateObservability,
  comprehensiveLag,
  statefulTtl,
  adaptiveWatermark,
  timeDomainIsolation,
  unifiedTime,
  robustReordering,
];
