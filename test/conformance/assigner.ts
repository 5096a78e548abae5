/**
 * Kind `assigner`: which windows a row belongs to, which sessions become one, which windows cannot be made.
 *
 * The general operator's assigners answer. Aligned windows of event time are put to the kernels as well: the same row
 * goes into a window aggregate, and the windows that it fires must be the same.
 */
import { TimeZone } from '../../src/base/time-zone.ts';
import { cumulating, hopping, session, tumbling } from '../../src/index.ts';
import {
  alignedAssigner,
  type Assigner,
  cumulatingAssigner,
  globalAssigner,
  sessionAssigner,
} from '../../src/runtime/windows/assigner.ts';
import { MergingWindows } from '../../src/runtime/windows/merging-windows.ts';
import { GLOBAL_WINDOW, sameWindow, touches, type Window } from '../../src/runtime/windows/window.ts';
import { MapKeyedState } from '../support/map-keyed-state.ts';
import {
  type ConformanceCase,
  type Driver,
  isObject,
  type JsonObject,
  listOf,
  objectOf,
  type Outcome,
  type Step,
  Unsupported,
} from './case.ts';
import { type Mismatch, sameValue, timeOf } from './compare.ts';
import { failing } from './conduct.ts';
import { kernelWindows } from './kernel-windows.ts';
import type { Json } from '../../src/base/json.ts';

const ms = (of: JsonObject, name: string): number | undefined =>
  of[name] === undefined ? undefined : timeOf(of[name], name);

function need(of: JsonObject, name: string): number {
  const value = ms(of, name);
  if (value === undefined) throw new Unsupported(`a window without ${name}`);
  return value;
}

/** Size and slide (or step) of aligned windows; undefined: windows of another kind. */
function alignedOf(operator: JsonObject): { sizeMs: number; slideMs: number; isCumulating: boolean } | undefined {
  switch (operator['type']) {
    case 'tumbling':
      return { sizeMs: need(operator, 'sizeMs'), slideMs: need(operator, 'sizeMs'), isCumulating: false };
    case 'sliding':
      return { sizeMs: need(operator, 'sizeMs'), slideMs: need(operator, 'slideMs'), isCumulating: false };
    case 'cumulative':
      return { sizeMs: need(operator, 'maxSizeMs'), slideMs: need(operator, 'stepMs'), isCumulating: true };
    default:
      return undefined;
  }
}

const zoneOf = ({ timeZone }: JsonObject): TimeZone => TimeZone.of(typeof timeZone === 'string' ? timeZone : 'UTC');

function assignerOf(operator: JsonObject): Assigner {
  const clock = operator['time'] === 'processing' ? 'processing time' : 'event time';
  const aligned = alignedOf(operator);
  if (aligned !== undefined) {
    const zone = zoneOf(operator);
    const zoneOffset =
      operator['timeZone'] === undefined ? undefined : (_row: unknown, at: number) => zone.offsetAt(at);
    const spec = { clock, ...aligned, offsetMs: ms(operator, 'offsetMs') ?? 0, zoneOffset } as const;
    return aligned.isCumulating ? cumulatingAssigner(spec) : alignedAssigner(spec);
  }
  if (operator['type'] === 'global') return globalAssigner();
  if (operator['type'] !== 'session') throw new Unsupported(`the assigner ${String(operator['type'])}`);
  return sessionAssigner(clock, ms(operator, 'gapMs') ?? ((row) => Number(row['gapMs'])));
}

const pair = (window: Window): Json => (sameWindow(window, GLOBAL_WINDOW) ? 'global' : [window.start, window.end]);

function windowOf(value: Json | undefined): Window {
  const [start, end] = listOf(value, 'a window');
  return { start: timeOf(start), end: timeOf(end) };
}

const byStart = (windows: readonly Window[]): readonly Window[] =>
  [...windows].sort((a, b) => a.start - b.start || a.end - b.end);

const differing = (expected: Json | undefined, got: Json): Mismatch | undefined =>
  sameValue(expected, got) ? undefined : { expected, got };

/** The windows of one row, by the general assigner and, where they know such windows, by the kernels. */
async function windowsOf(operator: JsonObject, at: JsonObject): Promise<readonly Window[]> {
  const time = ms(at, 'timestamp') ?? need(at, 'processingTime');
  const windows = byStart(assignerOf(operator).assign({ time, row: { gapMs: ms(at, 'gapMs') ?? null } }));
  const aligned = alignedOf(operator);
  if (aligned !== undefined && operator['time'] === 'event' && operator['timeZone'] === undefined) {
    const kernel = byStart(await kernelWindows({ ...aligned, offsetMs: ms(operator, 'offsetMs') ?? 0 }, time));
    if (!sameValue(windows.map(pair), kernel.map(pair))) {
      throw new Error(`the kernels have other windows: ${JSON.stringify(kernel)}, not ${JSON.stringify(windows)}`);
    }
  }
  return windows;
}

/** Local end of the window of a row that ends first. */
async function firstWindowEnd(operator: JsonObject, at: JsonObject): Promise<number> {
  const windows = await windowsOf(operator, at);
  return zoneOf(operator).toLocal(Math.min(...windows.map(({ end }) => end)));
}

/** Local start of the longest window that ends at a local time. */
async function windowStart(operator: JsonObject, of: JsonObject): Promise<number> {
  const zone = zoneOf(operator);
  const end = zone.toEpoch(need(of, 'windowEnd'));
  const windows = await windowsOf(operator, { timestamp: end - 1 });
  const starts = windows.filter((window) => window.end === end).map(({ start }) => start);
  return zone.toLocal(Math.min(...starts));
}

/** Windows added one after the other to the sessions of a key; groups of more than one, with what each became. */
function merged(windows: readonly Window[]): Json {
  const sessions = newSessions();
  const members = new Map<string, Window[]>();
  for (const window of windows) {
    const { window: whole, joined } = sessions.add(window);
    const inside = members.get(JSON.stringify(whole)) ?? [];
    const moved = joined.flatMap((session) => members.get(JSON.stringify(session.window)) ?? []);
    for (const session of joined) members.delete(JSON.stringify(session.window));
    members.set(JSON.stringify(whole), [...moved, ...inside, window]);
  }
  return (
    [...members]
      .filter(([, list]) => list.length > 1)
      // Written above.
      .map(([whole, list]) => ({ from: byStart(list).map(pair), into: pair(JSON.parse(whole) as Window) }))
  );
}

function newSessions(): MergingWindows {
  const state = new MapKeyedState();
  state.select({ bytes: new Uint8Array([1]), hash: 1 });
  return new MergingWindows(state.open('sessions'));
}

function mergedAs(expected: readonly Json[], got: Json): Mismatch | undefined {
  const rest = [...listOf(got, 'groups')];
  for (const one of expected) {
    const at = rest.findIndex((group) => sameValue(one, group));
    if (at < 0) return { expected, got };
    rest.splice(at, 1);
  }
  return rest.length === 0 ? undefined : { expected, got };
}

function addTo(sessions: MergingWindows, step: Step): Mismatch | undefined {
  const { window, joined } = sessions.add(windowOf(step['add']));
  const was = joined.map((session) => session.window);
  const got: JsonObject = {
    expect: pair(window),
    merged: was.length > 0,
    ...(step['into'] === undefined ? {} : { into: pair(window) }),
    ...(step['from'] === undefined ? {} : { from: byStart(was).map(pair) }),
  };
  const { add: _, ...expected } = step;
  return differing(expected, got);
}

/** Makes windows as a user would. */
function construct(of: JsonObject): void {
  const offset = of['offsetMs'] === undefined ? {} : ({ offset: `${need(of, 'offsetMs')} ms` } as const);
  switch (of['type']) {
    case 'tumbling':
      return void tumbling(`${need(of, 'sizeMs')} ms`, offset);
    case 'sliding':
      return void hopping(`${need(of, 'sizeMs')} ms`, `${need(of, 'slideMs')} ms`, offset);
    case 'cumulative':
      return void cumulating(`${need(of, 'maxSizeMs')} ms`, `${need(of, 'stepMs')} ms`, offset);
    case 'session':
      return void session(`${need(of, 'gapMs')} ms`);
    default:
      throw new Unsupported(`making ${String(of['type'])} windows`);
  }
}

/** Slices of equal length are Flink's way to share work; Millrace's windows need not be multiples of their slide. */
const sharesUnevenly = (of: JsonObject): boolean =>
  of['type'] === 'sliding' && of['timeZone'] !== undefined && need(of, 'sizeMs') % need(of, 'slideMs') !== 0;

async function answer(step: Step, operator: JsonObject, sessions: MergingWindows): Promise<Mismatch | undefined> {
  const { assign, intersects, merge, expect } = step;
  if (isObject(step['construct'])) return failing(() => construct(objectOf(step['construct'], 'construct')));
  if (assign !== undefined) {
    const windows = windowsOf(operator, objectOf(assign, 'assign'));
    return step['expectError'] === undefined ? differing(expect, (await windows).map(pair)) : failing(() => windows);
  }
  if (intersects !== undefined) {
    const [a, b] = listOf(intersects, 'intersects').map(windowOf);
    return differing(expect, a !== undefined && b !== undefined && touches(a, b));
  }
  if (merge !== undefined) {
    const added = step['add'] === undefined ? [] : [windowOf(step['add'])];
    return mergedAs(listOf(expect, 'expect'), merged([...listOf(merge, 'merge').map(windowOf), ...added]));
  }
  if (step['add'] !== undefined) return addTo(sessions, step);
  if (step['firstWindowEnd'] !== undefined) {
    return differing(expect, await firstWindowEnd(operator, objectOf(step['firstWindowEnd'], 'firstWindowEnd')));
  }
  if (step['windowStart'] === undefined) throw new Unsupported(`a step ${Object.keys(step).join(', ')}`);
  return differing(expect, await windowStart(operator, objectOf(step['windowStart'], 'windowStart')));
}

export const assigner: Driver = async ({ operator, steps }: ConformanceCase): Promise<Outcome> => {
  if (operator['type'] === 'windowed') {
    return {
      result: 'inside-flink',
      reason: "an internal class that hands back the window which the row's columns name",
    };
  }
  const sessions = newSessions();
  let hasUneven = false;
  for (const [index, step] of steps.entries()) {
    if (isObject(step['construct']) && sharesUnevenly(step['construct']) && need(step['construct'], 'slideMs') > 0) {
      hasUneven = true;
      continue;
    }
    const mismatch = await answer(step, operator, sessions);
    if (mismatch !== undefined) return { result: 'fail', step: index, ...mismatch };
  }
  if (!hasUneven) return { result: 'pass' };
  return {
    result: 'inside-flink',
    reason: 'slices of one length are required; here a size need not be a multiple of its slide',
  };
};
