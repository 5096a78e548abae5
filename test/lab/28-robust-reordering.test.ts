/** The oracle sorts what was sent, and compares whole outputs; of the record it reads messages and rows. */
import { describe } from 'vitest';
import { type Record, scenario, type Sent } from '../../src/lab/28-robust-reordering/scenario.ts';
import type { Pattern } from '../../src/lab/index.ts';
import { labTest } from './lab-test.ts';

const byDevice = (sent: readonly Sent[], device: string): readonly Sent[] =>
  sent.filter((one) => one.device === device);

/** Messages as they arrive: those of one moment in the order in which they were sent. */
const arrived = (sent: readonly Sent[]): readonly Sent[] =>
  sent
    .flatMap((one, i) => (one.arrivesMs === undefined ? [] : [{ one, at: one.arrivesMs, i }]))
    .sort((a, b) => a.at - b.at || a.i - b.i)
    .map(({ one }) => one);

function oracle({ sent, played }: Record, pattern: Pattern): { readonly [figure: string]: number } {
  const devices = [...new Set(sent.map(({ device }) => device))];
  const came = arrived(sent);
  if (pattern === 'off') {
    const inversions = devices.map((device) => {
      const seqs = byDevice(came, device).map(({ seq }) => seq);
      return seqs.filter((seq, i) => seq < (seqs[i - 1] ?? 0)).length;
    });
    return { inversions: inversions.reduce((sum, one) => sum + one, 0), lost: 0 };
  }
  const rows = (sink: string, device: string): readonly number[] =>
    (played.output[sink] ?? []).filter(({ row }) => row['device'] === device).map(({ row }) => Number(row['seq']));
  const sorted = (list: readonly Sent[]): string =>
    list
      .map(({ seq }) => seq)
      .sort((a, b) => a - b)
      .join();
  const wrong = devices.filter((device) => {
    const own = byDevice(came, device);
    const inOrder = rows('out', device).join() === sorted(own.filter(({ isExtreme }) => !isExtreme));
    const aside = [...rows('extremes', device)].sort((a, b) => a - b).join();
    return !inOrder || aside !== sorted(own.filter(({ isExtreme }) => isExtreme));
  });
  const told = (played.output['gaps'] ?? []).reduce(
    (sum, { row }) => sum + Number(row['to']) - Number(row['from']) + 1,
    0,
  );
  const missed = sent.filter(({ isExtreme, arrivesMs }) => isExtreme || arrivesMs === undefined).length;
  const isRight = wrong.length === 0 ? 0 : Number.NaN;
  return {
    inversions: isRight,
    lost: isRight,
    givenUpInVain: told - missed,
    gapsTold: 1,
    extremesTold: 1,
  };
}

describe('robust reordering', () => labTest(scenario, { seeds: [1, 2, 3], oracle }));
