/** What a running job measures, under its names and with its units. */
import { TERMS } from '../metrics/ledger.ts';
import { MetricsRegistry } from '../metrics/registry.ts';
import type { CheckpointCounts } from './checkpoint/checkpointer.ts';
import type { Deployment } from './deployment.ts';
import { SinkOperator } from './operators/sink.ts';

/** What metrics are read from. */
export interface Measured {
  readonly deployment: Deployment;
  readonly checkpoints: CheckpointCounts;
  readonly longestGapMs: number;
}

export function metricsOf(run: Measured): MetricsRegistry {
  const registry = new MetricsRegistry();
  const { task, arena } = run.deployment;
  for (const { uid, ledger } of [...task.sources, ...task.operators]) {
    for (const term of TERMS) registry.add(uid, term, 'records', () => ledger[term]);
  }
  for (const source of task.sources) {
    registry.add(source.uid, 'bytesRead', 'bytes', () => source.progress().read);
    registry.add(source.uid, 'fastRows', 'records', () => source.counters().fastRows);
    registry.add(source.uid, 'generalRows', 'records', () => source.counters().generalRows);
  }
  for (const sink of task.operators) {
    if (sink instanceof SinkOperator) registry.add(sink.uid, 'bytesWritten', 'bytes', () => sink.writer.bytesWritten);
  }
  for (const { name } of arena.states()) {
    const state = (): { entries: number; bytes: number } =>
      arena.states().find((each) => each.name === name) ?? { entries: 0, bytes: 0 };
    registry.add(name, 'stateEntries', 'keys', () => state().entries);
    registry.add(name, 'stateBytes', 'bytes', () => state().bytes);
  }
  registry.add('job', 'stateBytes', 'bytes', () => arena.usedBytes());
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
