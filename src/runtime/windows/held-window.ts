/** What an operator of windows answers about one of them, for explanations (window-explanation.ts). */
import { UserError } from '../../base/errors.ts';
import { formatTime } from '../../base/time.ts';
import type { Row } from '../../format/row-view.ts';
import type { WindowSpec } from '../../plan/logical.ts';
import type { Assigner } from './assigner.ts';
import type { Window } from './window.ts';

export interface HeldWindow extends Window {
  /** Of the key asked for. */
  readonly rows: number;
}

export interface AsksWindows {
  /** The window of a key that starts at an instant; of sessions the one that has it. E1338 when there can be none. */
  held(key: Row, at: number): HeldWindow;
}

/** The window that starts at an instant; of several the first that the watermark has not passed, or the last. */
export function windowFrom(uid: string, assigner: Assigner, at: number, passed: number): Window {
  const windows = assigner.assign({ time: at, row: {} });
  const found = openOf(
    windows.filter(({ start }) => start === at),
    passed,
  );
  if (found !== undefined) return found;
  const starts = [...new Set(windows.map(({ start }) => formatTime(start)))].sort();
  throw noWindow(uid, at, `none starts then; those that have this instant start at ${starts.join(', ')}`);
}

export function openOf(windows: readonly Window[], passed: number): Window | undefined {
  const inOrder = [...windows].sort((a, b) => a.end - b.end);
  return inOrder.find(({ end }) => end - 1 > passed) ?? inOrder.at(-1);
}

export function requireStarts(uid: string, window: WindowSpec, at: number): void {
  if (window.kind === 'count') throw noWindow(uid, at, 'its windows are of counted rows');
  if (window.kind === 'global') throw noWindow(uid, at, 'it has one window, which is all of time');
}

const noWindow = (uid: string, at: number, problem: string): UserError =>
  new UserError('E1338', { uid, at: formatTime(at), problem });
