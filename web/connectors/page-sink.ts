/**
 * Rows from a worker to the page that started it, as they come: `job.onResult(output, …)`. At least once for a page that
 * lives on: a job that is started again gives the rows since its last checkpoint again. A page that needs each row once, or
 * the rows of its life before a reload, reads them from an IndexedDB sink instead.
 */
import { UserError } from '../../src/base/errors.ts';
import type { SinkConnector, SinkContext, SinkWriter } from '../../src/connector/sink.ts';
import type { RecordBatch } from '../../src/data/record-batch.ts';
import { NdjsonEncoder } from '../../src/format/ndjson-encoder.ts';

/** Takes lines of JSON; their buffer is handed over. */
export type PostLines = (output: string, lines: Uint8Array<ArrayBuffer>) => void;

export class PageSink implements SinkConnector {
  readonly accepts: 'inserts' | 'changelog';
  readonly output: string;
  #post: PostLines | undefined;

  constructor(output: string, accepts: 'inserts' | 'changelog') {
    this.output = output;
    this.accepts = accepts;
  }

  /** Called by the worker that runs the job. */
  attach(post: PostLines): void {
    this.#post = post;
  }

  async open(context: SinkContext): Promise<SinkWriter> {
    const post = this.#post;
    if (post === undefined) {
      throw new UserError(
        'E1006',
        { what: 'a job with pageSink', needs: 'started from a page', got: 'run by run()' },
        { hint: 'use start() of millrace/web, or a callback sink where the job runs in the same thread' },
      );
    }
    return new PageSinkWriter((lines) => post(this.output, lines), context, this.accepts === 'changelog');
  }
}

class PageSinkWriter implements SinkWriter {
  readonly #post: (lines: Uint8Array<ArrayBuffer>) => void;
  readonly #encoder: NdjsonEncoder;
  bytesWritten = 0;

  constructor(post: (lines: Uint8Array<ArrayBuffer>) => void, { kernels, schema }: SinkContext, changelog: boolean) {
    this.#post = post;
    this.#encoder = new NdjsonEncoder(kernels.memory, schema, { changelog });
  }

  async fence(): Promise<void> {}

  async recover(): Promise<void> {}

  write(batch: RecordBatch): void {
    this.#encoder.encode(batch);
    // A copy of its own, so that it can be handed over.
    const lines = new Uint8Array(this.#encoder.take());
    this.bytesWritten += lines.length;
    if (lines.length > 0) this.#post(lines);
  }

  ready(): undefined {}

  async prepare(): Promise<undefined> {}

  async commit(): Promise<void> {}

  async close(): Promise<void> {}
}
