/** The page whose weight is measured: one windowed aggregate over a fetched file, with state and results in IndexedDB. */
import { boundedOutOfOrderness, count, from, int32, max, schema, timestamp, tumbling, utf8 } from 'millrace';
import { fetchNdjson, indexedDbSink, openResults, run } from 'millrace/web';

const Flight = schema({ scheduled: timestamp(), origin: utf8(), delayMinutes: int32() });

const perHour = from(fetchNdjson({ flights: '/flights.ndjson' }, Flight))
  .watermark('scheduled', boundedOutOfOrderness('30 minutes'))
  .keyBy('origin')
  .window(tumbling('1 hour'))
  .aggregate({ departures: count(), worst: max('delayMinutes') })
  .to(indexedDbSink('per-hour'));

const job = await run(perHour, { state: 'per-hour' });
await job.done;
document.body.dataset['result'] = await (await openResults('per-hour')).text();
