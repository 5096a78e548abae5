/** Parts that go row by row and keep nothing by key but sessions, as one file to fetch. */
import * as asyncFunctions from './async-functions.ts';
import * as functions from './functions.ts';
import * as sessionWindows from './session-windows.ts';
import * as unions from './unions.ts';
import * as userWatermarks from './user-watermarks.ts';

export { asyncFunctions, functions, sessionWindows, unions, userWatermarks };
