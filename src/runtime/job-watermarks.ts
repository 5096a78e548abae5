/** How far event time has come in a running job: what each split says, and what has reached each operator. */
import { type EventTimeMs, MIN_TIME } from '../base/time.ts';
import type { Deployment } from './deployment.ts';
import { AssignWatermarks, type SplitProgress } from './operators/assign-watermarks.ts';

/** Instants are milliseconds since 1970; undefined: none yet. */
export interface SplitWatermark {
  /** Uid of the operator that makes watermarks, and of the source. */
  readonly operator: string;
  readonly source: string;
  readonly split: string;
  /** Rows (of files: bytes) that it has given. */
  readonly position: number;
  /** Largest timestamp that is not from the future. */
  readonly max: number | undefined;
  readonly watermark: number | undefined;
  readonly isIdle: boolean;
  readonly hasEnded: boolean;
  /** Whether alignment makes it wait for slower splits. */
  readonly isHeldBack: boolean;
  /** Whether the operator's watermark waits for this split. */
  readonly holds: boolean;
}

export interface OperatorWatermark {
  readonly operator: string;
  /** The watermark that it has passed on. */
  readonly watermark: number | undefined;
  readonly isIdle: boolean;
}

export interface JobWatermarks {
  readonly splits: readonly SplitWatermark[];
  /** In the order in which they run; without sources and sinks. */
  readonly operators: readonly OperatorWatermark[];
}

const known = (watermark: EventTimeMs | undefined): number | undefined =>
  watermark === undefined || watermark <= MIN_TIME ? undefined : watermark;

export function watermarksOf({ task, outputs }: Deployment): JobWatermarks {
  const positions = new Map(
    task.sources.flatMap((source) =>
      source.positions().map((position) => [`${source.uid}/${position.id}`, { source: source.uid, ...position }]),
    ),
  );
  const splitOf = (operator: string, { id, max, watermark, idle, holds }: SplitProgress): SplitWatermark => {
    const from = positions.get(id);
    return {
      operator,
      source: from?.source ?? '',
      split: from?.id ?? id,
      position: from?.position ?? 0,
      max: known(max),
      watermark: known(watermark),
      isIdle: idle,
      hasEnded: from?.ended ?? false,
      isHeldBack: from?.isHeldBack ?? false,
      holds,
    };
  };
  return {
    splits: task.operators.flatMap((operator) =>
      operator instanceof AssignWatermarks ? operator.splits().map((split) => splitOf(operator.uid, split)) : [],
    ),
    operators: task.operators.flatMap(({ uid, watermark }) => {
      const output = outputs.get(uid);
      if (output?.connected !== true) return [];
      // An operator that keeps its watermark knows it after a restart too.
      return [{ operator: uid, watermark: known(watermark ?? output.passed), isIdle: output.isIdle }];
    }),
  };
}
