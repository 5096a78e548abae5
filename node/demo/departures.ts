/**
 * The main job: departures per airport and hour, with the mean delay, from flights in the order in which they really left.
 * A flight that left more than an hour after its schedule may find its hour closed: it goes to a folder of its own.
 *
 *   npm start                                   builds, writes the flights, runs this and prints the busiest hours
 *   millrace run node/demo/departures.ts        runs this alone, on the flights that are there
 */
import { avg, boundedOutOfOrderness, count, from, int32, job, max, schema, timestamp, tumbling, utf8 } from 'millrace';
import { ndjsonFiles, ndjsonSink } from 'millrace/node';

const Flight = schema({ scheduled: timestamp(), origin: utf8(), destination: utf8(), delayMinutes: int32() });

const hours = from(ndjsonFiles('.millrace/flights/*.ndjson', Flight))
  .watermark('scheduled', boundedOutOfOrderness('1 hour'))
  .keyBy('origin')
  .window(tumbling('1 hour'))
  .aggregate({ departures: count(), worst: max('delayMinutes'), mean: avg('delayMinutes') });

export default job('departures', hours.to(ndjsonSink('out/departures')), hours.late.to(ndjsonSink('out/late')));
