/** Aligned windows of a plan as the kernels take them: sizes in one unit, and the zone as stretches of one offset. */
import { UserError } from '../base/errors.ts';
import type { WindowAggregateSpec } from '../kernel/window-aggregate.ts';
import type { WindowSpec } from '../plan/logical.ts';

type Bounds = Pick<WindowAggregateSpec, 'sizeMs' | 'slideMs' | 'offsetMs' | 'cumulating' | 'unit' | 'zone'>;

export function alignedWindow(window: WindowSpec): Bounds {
  if (window.kind !== 'tumbling' && window.kind !== 'hopping' && window.kind !== 'cumulating') {
    throw new UserError('E1212', { what: `a ${window.kind} window` });
  }
  const { sizeMs, offsetMs } = window;
  if (window.kind === 'hopping') return { sizeMs, slideMs: window.slideMs, offsetMs };
  if (window.kind === 'cumulating') return { sizeMs, slideMs: window.stepMs, offsetMs, cumulating: true };
  return { sizeMs, slideMs: sizeMs, offsetMs };
}
