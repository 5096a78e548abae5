/**
 * Visits of users to a site, for the bench of sessions: rows of (user, at, spent), in memory, 10% of them out of order; and
 * the sessions in them, found by sorting.
 *
 * So many visits are going on at once; each row is of one of them at random, and ends it with one chance in ten, for another
 * user's. Not here: the engine's side (visit-source.ts).
 */
import { below, type Random, seededRandom } from '../../src/base/random.ts';

export interface VisitPlan {
  readonly rows: number;
  readonly users: number;
  readonly visitsAtOnce: number;
  readonly gapMs: number;
}

export interface Visits {
  readonly users: Uint32Array;
  /** ms after the first. */
  readonly times: Uint32Array;
  readonly spent: Uint32Array;
}

export const ROWS_PER_VISIT = 10;
export const STEP_MS = 1;
export const DISORDER_MS = 5_000;
const DISORDER_SHARE = 10;

export function makeVisits({ rows, users, visitsAtOnce }: VisitPlan): Visits {
  const random: Random = seededRandom(5);
  const made = { users: new Uint32Array(rows), times: new Uint32Array(rows), spent: new Uint32Array(rows) };
  const going = Uint32Array.from({ length: visitsAtOnce }, () => below(random, users));
  for (let i = 0; i < rows; i++) {
    const visit = below(random, visitsAtOnce);
    const late = below(random, DISORDER_SHARE) === 0 ? below(random, DISORDER_MS) : 0;
    made.users[i] = going[visit] ?? 0;
    made.times[i] = Math.max(0, i * STEP_MS - late);
    made.spent[i] = below(random, 100);
    if (below(random, ROWS_PER_VISIT) === 0) going[visit] = below(random, users);
  }
  return made;
}

/** Sums over sessions that any difference in one of them changes. */
export interface SessionDigest {
  sessions: number;
  rows: number;
  spent: number;
  mixed: number;
}

/** Adds a session; instants in ms after the first row. */
export function addSession(
  digest: SessionDigest,
  user: number,
  start: number,
  end: number,
  rows: number,
  spent: number,
): void {
  digest.sessions++;
  digest.rows += rows;
  digest.spent += spent;
  let h = Math.imul(user ^ 0x9e3779b9, 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 15) ^ start, 0xc2b2ae35);
  h = Math.imul(h ^ (h >>> 13) ^ end, 0x27d4eb2f);
  h = Math.imul(h ^ (h >>> 16) ^ (rows * 131 + spent), 0x85ebca6b);
  digest.mixed = (digest.mixed + (h >>> 0)) % 2 ** 50;
}

export const emptyDigest = (): SessionDigest => ({ sessions: 0, rows: 0, spent: 0, mixed: 0 });

/** All sessions, by sorting the rows of each user. Nothing is late: the disorder is within what the watermark waits for. */
export function sessionsOf({ users, times, spent }: Visits, plan: VisitPlan): SessionDigest {
  const digest = emptyDigest();
  const ends = new Uint32Array(plan.users + 1);
  for (const user of users) ends[user + 1] = (ends[user + 1] ?? 0) + 1;
  for (let u = 0; u < plan.users; u++) ends[u + 1] = (ends[u + 1] ?? 0) + (ends[u] ?? 0);
  const next = ends.slice(0, plan.users);
  const order = new Uint32Array(users.length);
  users.forEach((user, i) => {
    order[next[user] ?? 0] = i;
    next[user] = (next[user] ?? 0) + 1;
  });
  for (let u = 0; u < plan.users; u++) addUser(digest, u, order.subarray(ends[u], ends[u + 1]));
  return digest;

  function addUser(into: SessionDigest, user: number, rows: Uint32Array): void {
    rows.sort((a, b) => (times[a] ?? 0) - (times[b] ?? 0));
    let [start, last, count, sum] = [0, 0, 0, 0];
    for (const row of rows) {
      const at = times[row] ?? 0;
      if (count > 0 && at > last + plan.gapMs) {
        addSession(into, user, start, last + plan.gapMs, count, sum);
        count = 0;
        sum = 0;
      }
      if (count === 0) start = at;
      last = at;
      count++;
      sum += spent[row] ?? 0;
    }
    if (count > 0) addSession(into, user, start, last + plan.gapMs, count, sum);
  }
}
