/** All parts at once: for hosts that have the whole package at hand, and for bundles that must be one file. */
import * as compatibility from '../checkpoint/compatibility.ts';
import * as tokens from '../tokens.ts';
import * as asyncFunctions from './async-functions.ts';
import * as changelogs from './changelogs.ts';
import * as definedAggregates from './defined-aggregates.ts';
import * as expressions from './expressions.ts';
import * as functions from './functions.ts';
import * as generalWindows from './general-windows.ts';
import type { LoadParts, Parts } from './parts.ts';
import * as processFunctions from './process-functions.ts';
import * as rowOrder from './row-order.ts';
import * as sessionWindows from './session-windows.ts';
import * as unions from './unions.ts';
import * as userWatermarks from './user-watermarks.ts';

const PARTS: Parts = {
  expressions,
  functions,
  asyncFunctions,
  processFunctions,
  rowOrder,
  unions,
  changelogs,
  definedAggregates,
  generalWindows,
  sessionWindows,
  userWatermarks,
  compatibility,
  tokens,
};

export const everyPart: LoadParts = async () => PARTS;
