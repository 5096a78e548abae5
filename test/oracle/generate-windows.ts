/** The windows of generated cases, and the time around which their rows lie. */
import { below, type Random } from '../../src/base/random.ts';
import type { WindowSpec } from './windows.ts';

export const WINDOW_DIMENSIONS = {
  epoch: ['modern', 'around zero', 'clocks change'],
  window: [
    'tumbling',
    'tumbling with offset',
    'hopping',
    'hopping with offset',
    'hopping with gaps',
    'cumulating',
    'cumulating with offset',
    'months',
  ],
  zone: ['none', 'America/Los_Angeles', 'Europe/Berlin', 'America/Havana', 'Australia/Lord_Howe', 'Asia/Kolkata'],
  lateness: ['none', 'short', 'long'],
  results: ['accumulating', 'discarding', 'retracting', 'final'],
} as const;

type Choices = { readonly [K in keyof typeof WINDOW_DIMENSIONS]: (typeof WINDOW_DIMENSIONS)[K][number] };

export const LATENESS_MS = { none: 0, short: 1_500, long: 15_000 } as const;

/**
 * Where time begins. Clocks of the zone change, or a month begins, some seconds after 'clocks change'; the laws of zones
 * are known to the oracle for modern times only.
 */
export function baseOf({ epoch, zone, window }: Pick<Choices, 'epoch' | 'zone' | 'window'>): number {
  if (epoch === 'clocks change') {
    return (window === 'months' ? MONTH_BEGINS : CLOCKS_CHANGE)[zone] - 15_000;
  }
  return epoch === 'modern' || zone !== 'none' ? 1_600_000_000_000 : -20_000;
}

const CLOCKS_CHANGE: { readonly [Z in Choices['zone']]: number } = {
  none: Date.UTC(2020, 1, 29),
  'America/Los_Angeles': Date.UTC(2021, 2, 14, 10),
  'Europe/Berlin': Date.UTC(2021, 9, 31, 1),
  'America/Havana': Date.UTC(2021, 2, 14, 5),
  'Australia/Lord_Howe': Date.UTC(2021, 3, 3, 15),
  'Asia/Kolkata': Date.UTC(2021, 0, 1, -5, -30),
};
const MONTH_BEGINS: { readonly [Z in Choices['zone']]: number } = {
  none: Date.UTC(2020, 2, 1),
  'America/Los_Angeles': Date.UTC(2021, 2, 1, 8),
  'Europe/Berlin': Date.UTC(2021, 9, 1, -2),
  'America/Havana': Date.UTC(2021, 3, 1, 4),
  'Australia/Lord_Howe': Date.UTC(2021, 3, 1, -11),
  'Asia/Kolkata': Date.UTC(2021, 0, 1, -5, -30),
};

export function windowOf(choice: Pick<Choices, 'window' | 'zone'>, random: Random): WindowSpec {
  const window = windowOfKind(choice, random);
  return choice.zone === 'none' ? window : { ...window, zone: choice.zone };
}

function windowOfKind(choice: Pick<Choices, 'window'>, random: Random): WindowSpec {
  const slideMs = [500, 1_000, 3_000][below(random, 3)] ?? 1_000;
  const offsetMs = below(random, 2) === 0 ? 333 : -250;
  switch (choice.window) {
    case 'tumbling':
      return { kind: 'tumbling', sizeMs: 5_000, offsetMs: 0 };
    case 'tumbling with offset':
      return { kind: 'tumbling', sizeMs: 7_000, offsetMs };
    case 'hopping':
      return { kind: 'hopping', sizeMs: slideMs * (2 + below(random, 6)), slideMs, offsetMs: 0 };
    case 'hopping with offset':
      return { kind: 'hopping', sizeMs: slideMs * (2 + below(random, 6)), slideMs, offsetMs };
    case 'cumulating':
      return { kind: 'cumulating', sizeMs: slideMs * (2 + below(random, 6)), stepMs: slideMs, offsetMs: 0 };
    case 'cumulating with offset':
      return { kind: 'cumulating', sizeMs: slideMs * (2 + below(random, 6)), stepMs: slideMs, offsetMs };
    case 'months':
      return {
        kind: 'months',
        months: [1, 3, 7, 12][below(random, 4)] ?? 1,
        offsetMs: below(random, 3) === 0 ? offsetMs : 0,
      };
    case 'hopping with gaps':
      return { kind: 'hopping', sizeMs: 2_000, slideMs: 5_000, offsetMs: 0 };
  }
}
