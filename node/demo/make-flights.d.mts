/** Types of make-flights.mjs, which runs without a build. */
export interface Flight {
  readonly scheduled: string;
  readonly origin: string;
  readonly destination: string;
  readonly delayMinutes: number;
  readonly distance: number;
}
export declare function makeFlights(): Map<'east' | 'central' | 'west', Flight[]>;
export declare function writeFlights(folder: string): number;
