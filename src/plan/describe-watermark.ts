/** A watermark node as explain prints it: strategy, guard, idleness, alignment. What is as by default is not said. */
import { shortDuration } from '../base/time.ts';
import {
  DEFAULT_FUTURE_SKEW_MS,
  DEFAULT_IDLE_AFTER_MS,
  type WatermarkNode,
  type WatermarkStrategy,
} from './logical.ts';

type Described = Pick<WatermarkNode, 'column' | 'strategy' | 'idleAfterMs' | 'futureSkewMs' | 'align'>;

/** What the user wrote. */
export function describeWatermark({ column, strategy, idleAfterMs, futureSkewMs, align }: Described): string {
  const idle = idleAfterMs === undefined ? '' : `, ${describeIdle(idleAfterMs)}`;
  const guard = futureSkewMs === undefined ? '' : `, ${describeGuard(futureSkewMs)}`;
  return `${column} ${describeStrategy(strategy)}${idle}${guard}${describeAlignment(align)}`;
}

/** All that is in force, defaults included. */
export function describeWatermarkFully(node: Described): string {
  const { idleAfterMs = DEFAULT_IDLE_AFTER_MS, futureSkewMs = DEFAULT_FUTURE_SKEW_MS } = node;
  return describeWatermark({ ...node, idleAfterMs, futureSkewMs });
}

function describeStrategy(strategy: WatermarkStrategy): string {
  switch (strategy.kind) {
    case 'monotonous':
      return 'monotonous';
    case 'bounded':
      return `out of order by at most ${shortDuration(strategy.delayMs)}`;
    case 'adaptive':
      return `adaptive: ${strategy.lateRate * 100}% late, waiting at most ${shortDuration(strategy.maxMs)}`;
    case 'punctuated':
      return 'by a user function of each row';
    case 'custom': {
      const { periodic } = strategy.generator;
      return `by a user generator${periodic === undefined ? '' : `, asked every ${shortDuration(periodic.everyMs)}`}`;
    }
  }
}

const describeIdle = (idleAfterMs: number | 'off'): string =>
  idleAfterMs === 'off' ? 'never idle' : `idle after ${shortDuration(idleAfterMs)}`;

const describeGuard = (skewMs: number | 'off'): string =>
  skewMs === 'off' ? 'no guard against the future' : `from the future beyond ${shortDuration(skewMs)}`;

const describeAlignment = (align: WatermarkNode['align']): string =>
  align === undefined ? '' : `, at most ${shortDuration(align.maxDriftMs)} ahead in group '${align.group}'`;
