/** What a running job measures, under its names and with its units. */
import { TERMS } from '../metrics/ledger.ts';
import { MetricsRegistry } from '../metrics/registry.ts';
import type { CheckpointCounts } from './checkpoint/checkpointer.ts';
import type { Deployment } from './deployment.ts';
import type { StateGrowth } from './growth/state-growth.ts';
import { LAG_PARTS, type LagFigure, type SinkLag } from './lag/lag-figures.ts';
import type { LagTracker } from './lag/lag-tracker.ts';
import { SinkOperator } from './operators/sink.ts';

/** What metrics are read from. */
export interface Measured {
  readonly deployment: Deployment;
  readonly checkpoints: CheckpointCounts;
  readonly longestGapMs: number;
  readonly lagTracker: LagTracker;
  readonly stateGrowth: StateGrowth;
}

export function metricsOf(run: Measured): MetricsRegistry {
  const registry = new MetricsRegistry();
  const { task, arena } = run.deployment;
  for (const { uid, ledger } of [...task.sources, ...task.operators]) {
    for (const term of TERMS) registry.add(uid, term, 'records', () => ledger[term]);
  }
  for (const operator of task.operators) {
    if (operator.merges !== undefined) registry.add(operator.uid, 'merges', 'accumulators', () => operator.merges);
  }
  for (const source of task.sources) {
    registry.add(source.uid, 'bytesRead', 'bytes', () => source.progress().read);
    registry.add(source.uid, 'fastRows', 'records', () => source.counters().fastRows);
    registry.add(source.uid, 'generalRows', 'records', () => source.counters().generalRows);
    const { intake } = source;
    if (intake !== undefined) {
      registry.add(source.uid, 'beforeStart', 'records', () => intake.skipped);
      registry.add(source.uid, 'sampledOut', 'records', () => intake.sampledOut);
      registry.add(source.uid, 'pausedByRate', 'ms', () => intake.pausedMs);
    }
    if (source.live) registry.add(source.uid, 'filesLost', 'files', () => source.counters().filesLost);
  }
  for (const sink of task.operators) {
    if (sink instanceof SinkOperator) registry.add(sink.uid, 'bytesWritten', 'bytes', () => sink.writer.bytesWritten);
  }
  addLag(registry, run);
  for (const { name } of arena.states()) {
    const state = (): { entries: number; bytes: number } =>
      arena.states().find((each) => each.name === name) ?? { entries: 0, bytes: 0 };
    registry.add(name, 'stateEntries', 'keys', () => state().entries);
    registry.add(name, 'stateBytes', 'bytes', () => state().bytes);
    registry.add(name, 'stateGrowth', 'bytes/s', () => run.stateGrowth.growth(name));
  }
  registry.add('job', 'stateBytes', 'bytes', () => arena.usedBytes());
  registry.add('job', 'stateFullIn', 'ms', () => run.stateGrowth.stateFullIn);
  registry.add('job', 'alerts', 'alerts', () => run.stateGrowth.alerts.length);
  registry.add('job', 'longestGap', 'ms', () => run.longestGapMs);
  const { checkpoints } = run;
  registry.add('job', 'checkpointsCompleted', 'checkpoints', () => checkpoints.completed);
  registry.add('job', 'checkpointsAborted', 'checkpoints', () => checkpoints.aborted);
  registry.add('job', 'checkpointBytes', 'bytes', () => checkpoints.bytes);
  registry.add('job', 'checkpointChangedBytes', 'bytes', () => checkpoints.changedBytes);
  registry.addHistogram('job', 'checkpointCut', 'ms', checkpoints.cutMs);
  registry.addHistogram('job', 'checkpointPersist', 'ms', checkpoints.persistMs);
  return registry;
}

/** Per sink total and parts, such as lagP99 and lagQueueP99; per operator how far its watermark is behind. */
function addLag(registry: MetricsRegistry, { deployment, lagTracker }: Measured): void {
  for (const { uid } of deployment.task.sinks) {
    const figureOf = (part: (typeof LAG_PARTS)[number] | 'total'): SinkLag['total'] | undefined =>
      lagTracker.sink(uid)?.[part];
    for (const part of ['total', ...LAG_PARTS] as const) {
      const name = part === 'total' ? 'lag' : `lag${part.slice(0, 1).toUpperCase()}${part.slice(1)}`;
      const add = (suffix: string, of: (figure: LagFigure) => number): void =>
        registry.add(uid, `${name}${suffix}`, 'ms', () => {
          const figure = figureOf(part);
          return figure === undefined ? undefined : of(figure);
        });
      add('Last', ({ last }) => last);
      add('Mean', ({ mean }) => mean);
      add('P50', ({ p50 }) => p50);
      add('P99', ({ p99 }) => p99);
    }
    registry.add(uid, 'lagProbes', 'records', () => lagTracker.sink(uid)?.probes ?? 0);
  }
  for (const operator of deployment.task.operators) {
    if (operator.watermark === undefined) continue;
    registry.add(operator.uid, 'watermarkLag', 'ms', () => lagTracker.watermarkLag(operator));
  }
}
