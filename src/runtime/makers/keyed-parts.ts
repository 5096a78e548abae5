/** Parts with keyed state, and what jobs are asked for later, as one file to fetch. */
import * as tokens from '../tokens.ts';
import * as definedAggregates from './defined-aggregates.ts';
import * as generalWindows from './general-windows.ts';
import * as processFunctions from './process-functions.ts';
import * as rowOrder from './row-order.ts';

export { definedAggregates, generalWindows, processFunctions, rowOrder, tokens };
