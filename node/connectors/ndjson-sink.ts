/** NDJSON part files in a folder, each row exactly once. The doing is in src/connector/file-sink.ts. */
import { fileSink } from '../../src/connector/file-sink.ts';
import type { SinkConnector } from '../../src/connector/sink.ts';
import { NdjsonEncoder } from '../../src/format/ndjson-encoder.ts';
import { NodeDisk } from '../disk.ts';

export interface NdjsonSinkOptions {
  /**
   * Takes updates and deletes as well; each line begins with what it does to the result before: "op": "+I", "-U",
   * "+U", "-D".
   */
  readonly changelog?: boolean;
}

/**
 * Writes `part-0000000000.ndjson` and so on into `folder`, a part per checkpoint that has rows. Parts may be taken away once they
 * are there: a hidden mark beside them, `.committed-…`, says which were, and stays.
 */
export function ndjsonSink(folder: string, options: NdjsonSinkOptions = {}): SinkConnector {
  const changelog = options.changelog === true;
  const sink = fileSink({
    disk: new NodeDisk(folder),
    folder: '',
    location: folder,
    extension: 'ndjson',
    accepts: changelog ? 'changelog' : 'inserts',
    encoder: ({ kernels, schema }) => new NdjsonEncoder(kernels.memory, schema, { changelog, kernels }),
  });
  return { ...sink, folder };
}
