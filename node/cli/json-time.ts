/**
 * Event time in JSON jobs: watermarks and windows, with the options that the API has for them.
 *
 *   "watermark": { "column": "scheduled", "adaptive": { "lateRate": 0.001, "max": "3 hours" },      one strategy, or none:
 *                  "idleAfter": "1 minute", "futureSkew": "1 day",                                 monotonous
 *                  "align": { "group": "airports", "maxDrift": "10 minutes" } }
 *   "window":    { "tumbling": "1 day", "zone": "Europe/Berlin", "offset": "6 hours",              one kind
 *                  "allowedLateness": "2 hours", "results": "retracting" }
 *                { "hopping": "1 hour", "every": "5 minutes" }   { "cumulating": "1 day", "step": "1 hour" }
 *                { "session": "30 minutes" }                     { "tumbling": "1 day", "zone": { "column": "homeZone" } }
 *
 * The API checks what stands in them: the form of durations, names of zones and columns.
 */
import * as millrace from '../../src/index.ts';
import { isRecord } from '../../src/state/shape.ts';
import { object, wrong } from './json-shape.ts';

// What a user wrote, as the API takes it: it checks the form.
const duration = (value: unknown): millrace.Duration => value as millrace.Duration;

const STRATEGIES = ['monotonous', 'boundedOutOfOrderness', 'adaptive'] as const;
const WATERMARK_OPTIONS = ['idleAfter', 'futureSkew', 'align'] as const;
const WINDOWS = ['tumbling', 'hopping', 'cumulating', 'session'] as const;
/** What else belongs to a kind of window. */
const PARTS = {
  tumbling: ['zone', 'offset'],
  hopping: ['every', 'zone', 'offset'],
  cumulating: ['step', 'zone', 'offset'],
  session: [],
} as const satisfies { readonly [kind in (typeof WINDOWS)[number]]: readonly string[] };
const WINDOW_OPTIONS = ['allowedLateness', 'results'] as const;

type Given = { readonly [key: string]: unknown };

/** Column, strategy and options of `watermark`. */
export function watermarkOf(
  value: unknown,
  path: string,
): { readonly column: unknown; readonly strategy: unknown; readonly options: unknown } {
  const spec = object(value, path, 'watermark', ['column', ...STRATEGIES, ...WATERMARK_OPTIONS]);
  const [kind = 'monotonous', second] = STRATEGIES.filter((name) => spec[name] !== undefined);
  if (second !== undefined) throw wrong(path, 'watermark', `it must have one of ${kind} and ${second}`);
  return {
    column: spec['column'],
    strategy: strategyOf(kind, spec[kind], path),
    options: pick(spec, WATERMARK_OPTIONS),
  };
}

function strategyOf(kind: (typeof STRATEGIES)[number], given: unknown, path: string): unknown {
  switch (kind) {
    case 'monotonous':
      if (given !== undefined && given !== true) throw wrong(path, 'watermark.monotonous', 'it must be true');
      return millrace.monotonous();
    case 'boundedOutOfOrderness':
      return millrace.boundedOutOfOrderness(duration(given));
    case 'adaptive': {
      const { lateRate, max } = object(given, path, 'watermark.adaptive', ['lateRate', 'max']);
      // The API checks that it is a share.
      return millrace.adaptive({ lateRate: lateRate as number, max: duration(max) });
    }
  }
}

/** The window of `window`, and the options of results that go with it. */
export function windowOf(value: unknown, path: string): { readonly window: unknown; readonly options: unknown } {
  const all = [...new Set([...WINDOWS, ...Object.values(PARTS).flat(), ...WINDOW_OPTIONS])];
  const spec = object(value, path, 'window', all);
  const [kind, second] = WINDOWS.filter((name) => spec[name] !== undefined);
  if (kind === undefined || second !== undefined)
    throw wrong(path, 'window', `it must have one of ${WINDOWS.join(', ')}`);
  object(spec, path, 'window', [kind, ...PARTS[kind], ...WINDOW_OPTIONS]);
  return { window: assignerOf(kind, spec, path), options: pick(spec, WINDOW_OPTIONS) };
}

function assignerOf(kind: (typeof WINDOWS)[number], spec: Given, path: string): unknown {
  const place = { ...pick(spec, ['offset']), ...zoneOf(spec['zone'], path) };
  switch (kind) {
    case 'tumbling':
      return millrace.tumbling(duration(spec['tumbling']), place);
    case 'hopping':
      return millrace.hopping(duration(spec['hopping']), duration(spec['every']), place);
    case 'cumulating':
      return millrace.cumulating(duration(spec['cumulating']), duration(spec['step']), place);
    case 'session':
      return millrace.session(duration(spec['session']));
  }
}

/** A name, or the column that has it row by row. */
function zoneOf(zone: unknown, path: string): { readonly zone?: never } {
  if (zone === undefined) return {};
  const column = isRecord(zone) ? object(zone, path, 'window.zone', ['column'])['column'] : undefined;
  // Which columns there are is known at run time only; the API checks either.
  return { zone: (column === undefined ? zone : millrace.column(String(column))) as never };
}

/** Those that are given. */
const pick = (spec: Given, names: readonly string[]): Given =>
  Object.fromEntries(names.flatMap((name) => (spec[name] === undefined ? [] : [[name, spec[name]]])));
