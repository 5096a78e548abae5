/** Parts with keyed state, as one file to fetch. */
import * as definedAggregates from './defined-aggregates.ts';
import * as generalWindows from './general-windows.ts';
import * as processFunctions from './process-functions.ts';
import * as rowOrder from './row-order.ts';

export { definedAggregates, generalWindows, processFunctions, rowOrder };
