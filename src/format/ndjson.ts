/**
 * NDJSON: a record is a line that holds one JSON object. Chunks, positions and dead letters: record-decoder.ts.
 */
import { JsonParser } from '../kernel/json.ts';
import { type DecoderOptions, RecordDecoder } from './record-decoder.ts';

const LINE_BYTES_MAX = 16 << 20;

/** Lines of more than 16 MB become dead letters unless `lineBytesMax` says otherwise. */
export class NdjsonDecoder extends RecordDecoder {
  constructor(options: DecoderOptions) {
    const { kernels, schema, columns, batchRows, lineBytesMax = LINE_BYTES_MAX } = options;
    super(options, new JsonParser({ kernels, schema, columns, batchRows, lineBytesMax }));
  }
}
