/** The sources and sinks of this host as users write them. */
import type { Accepts, Columns, Schema, Sink, Source } from '../src/index.ts';
import { makeSink, makeSource, tableOf } from '../src/platform.ts';
import * as fetching from './connectors/fetch-ndjson.ts';
import * as keeping from './connectors/indexeddb-sink.ts';
import { PageSink } from './connectors/page-sink.ts';

/** How files are fetched. */
export interface FetchOptions {
  readonly headers?: Readonly<Record<string, string>>;
  /** Bytes read ahead of the engine, for each split. 4 MB unless said otherwise. */
  readonly bufferBytes?: number;
}

/**
 * Lines of JSON over HTTP, by logical names: `{ january: '/2024-01.ndjson' }`. Each is a split, replayable by byte offset
 * (with a range where the server can, from the front otherwise). A body that changed meanwhile is an error.
 */
export function fetchNdjson<C extends Columns>(
  urls: Readonly<Record<string, string>>,
  schema: Schema<C>,
  options: FetchOptions = {},
): Source<C> {
  const label = `fetchNdjson(${Object.keys(urls).sort().join(', ')})`;
  return makeSource(schema, fetching.fetchNdjson(urls, tableOf(schema, `the schema of ${label}`), options), label);
}

/**
 * Rows kept in IndexedDB under a name, each exactly once: `openResults(name)` reads them, also after a reload. With
 * `changelog` each row begins with what it does ("op").
 */
export function indexedDbSink(name: string): Sink<'inserts only'>;
export function indexedDbSink(
  name: string,
  options: { readonly changelog: true },
): Sink<'inserts, updates and deletes'>;
export function indexedDbSink(name: string, options: { readonly changelog?: boolean } = {}): Sink<Accepts> {
  const accepts = options.changelog === true ? 'inserts, updates and deletes' : 'inserts only';
  return makeSink(accepts, keeping.indexedDbSink(name, options), `indexedDbSink('${name}')`);
}

/**
 * Rows to the page that started the job, as they come: `job.onResult(output, (rows) => …)`. Rows since the last checkpoint
 * come again after a restart.
 */
export function pageSink(output: string): Sink<'inserts only'>;
export function pageSink(output: string, options: { readonly changelog: true }): Sink<'inserts, updates and deletes'>;
export function pageSink(output: string, options: { readonly changelog?: boolean } = {}): Sink<Accepts> {
  const isChangelog = options.changelog === true;
  const connector = new PageSink(output, isChangelog ? 'changelog' : 'inserts');
  return makeSink(isChangelog ? 'inserts, updates and deletes' : 'inserts only', connector, `pageSink('${output}')`);
}
