/** What the answers over a file of bids must be, by plain JavaScript: as it is, and with late bids counted into their windows. */
import { runPlainJs } from '../peers/plain-js.ts';
import { DISORDER_MS, WINDOW_MS } from './bids.ts';
import { type ChannelTotals, checksumOf, checksumText, type LateBid, withLateBids } from './window-results.ts';

export interface Expected {
  readonly exact: string;
  /** What an engine that knows no late bids gives. */
  readonly withLate: string;
}

export function expectedDigests(path: string): Expected {
  const windows = new Map<number, Map<string, ChannelTotals>>();
  const late: LateBid[] = [];
  const { checksum } = runPlainJs({
    path,
    disorderMs: DISORDER_MS,
    windowMs: WINDOW_MS,
    onLate: (bid) => late.push(bid),
    onRow(start, channel, totals) {
      const channels = windows.get(start) ?? new Map<string, ChannelTotals>();
      windows.set(start, channels.set(channel, totals));
    },
  });
  const withLate = checksumText(checksumOf(withLateBids(windows, late)));
  return { exact: `${checksum} late ${late.length}`, withLate: `${withLate} late 0` };
}
