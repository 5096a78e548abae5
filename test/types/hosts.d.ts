/** Sources and sinks as host doors declare them, for the cases of this folder: the surface is typed apart from any host. */
import type { Columns, Duration, Job, Schema, Sink, Size, Source } from 'millrace';

export declare function ndjsonFiles<C extends Columns>(glob: string, schema: Schema<C>): Source<C>;
export declare function ndjsonSink(folder: string): Sink<'inserts only'>;
export declare function ndjsonSink(folder: string, options: { readonly changelog: true }): Sink<'inserts, updates and deletes'>;
export declare function tableSink<C extends Columns>(
  table: string, schema: Schema<C>, options: { readonly key: readonly (keyof C)[] },
): Sink<'inserts, updates and deletes', C>;
export interface RunningJob extends AsyncDisposable {
  readonly status: 'running' | 'finished';
  drain(): Promise<void>;
}
export declare function run(
  job: Job, options?: { readonly state?: string; readonly checkpointEvery?: Duration; readonly memory?: Size },
): Promise<RunningJob>;
