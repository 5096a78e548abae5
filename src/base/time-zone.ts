/**
 * Time zones of the IANA database, as the platform knows them (ECMA-402). Asking the platform for one local time costs
 * microseconds, so the changes of a zone are found once, stretch by stretch of about a year, and kept.
 *
 *   instant  ... ----------T1----------------T2---------- ...      changes of the offset
 *   local    ...   + o0    |      + o1       |    + o2
 *                  T1: clocks go forward, a gap    T2: they go back, an overlap
 *
 * Invariants
 *  1. A local time in a gap is moved forward by the gap's length; one that comes twice is the earlier.
 *  2. Periods of the calendar are intervals of instants that follow each other without gap or overlap. A period starts at
 *     the first instant at which local time has reached its start: behind a gap when its start falls into one, and the
 *     earlier of two. What clocks that went back repeat belongs to the later period, if that had begun.
 *  3. Local times that a zone skips altogether (a whole day) make no period.
 *  4. MIN_TIME and MAX_TIME are themselves in every zone.
 *  5. Nothing is found twice, and nothing between calls depends on the order of calls.
 * Not here: which periods a window has (calendar.ts).
 */
import { type Calendar, calendarNext, calendarStart, DAY_MS, daysOfDate, floorTime } from './calendar.ts';
import { didYouMean, UserError } from './errors.ts';
import { MAX_TIME, MIN_TIME } from './time.ts';

/** Length of a stretch. */
const STRETCH_MS = 400 * DAY_MS;
/** How far a stretch is known beyond its ends: more than any offset, and any overlap, is long. */
const MARGIN_MS = 3 * DAY_MS;
/** Where the platform is asked while looking for changes: closer than any two changes of a zone are. */
const SAMPLE_MS = 3 * DAY_MS;
/** The years 1 to 9999; beyond them the offset is that of the last stretch. */
const FIRST_STRETCH = Math.ceil(-62_135_596_800_000 / STRETCH_MS) + 1;
const LAST_STRETCH = Math.floor(253_402_300_799_000 / STRETCH_MS) - 1;

/** The offsets of a stretch: `offsets[i]` holds from `from[i]` until before `from[i + 1]`, the last for good. */
interface Stretch {
  /** The first is the beginning of time: what lies before the stretch is not asked of it. */
  readonly from: readonly number[];
  readonly offsets: readonly number[];
}

export class TimeZone {
  static readonly #known = new Map<string, TimeZone>();
  readonly name: string;
  readonly #format: Intl.DateTimeFormat;
  readonly #stretches = new Map<number, Stretch>();
  /** The stretch asked for last: times come close together. */
  #last: Stretch | undefined;
  #lastIndex = Number.NaN;

  /** The zone of this name; E1021 when the platform knows none. */
  static of(name: string): TimeZone {
    const known = TimeZone.#known.get(name);
    if (known !== undefined) return known;
    const made = new TimeZone(name);
    TimeZone.#known.set(name, made);
    return made;
  }

  private constructor(name: string) {
    this.name = name;
    this.#format = formatOf(name);
  }

  /** Local minus universal time, in force at an instant. */
  offsetAt(epoch: number): number {
    const { from, offsets } = this.#stretch(epoch);
    let i = from.length - 1;
    while ((from[i] ?? 0) > epoch) i--;
    return offsets[i] ?? 0;
  }

  toLocal(epoch: number): number {
    if (isEnd(epoch)) return epoch;
    return within(epoch + this.offsetAt(epoch));
  }

  /** The instant of a local time (invariant 1). */
  toEpoch(local: number): number {
    if (isEnd(local)) return local;
    const { from, offsets } = this.#stretch(local);
    for (let i = 0; ; i++) {
      const epoch = local - (offsets[i] ?? 0);
      if (i < from.length - 1 && epoch >= (from[i + 1] ?? 0)) continue;
      return within(epoch >= (from[i] ?? 0) ? epoch : local - (offsets[i - 1] ?? 0));
    }
  }

  /** When everything before this local time is over for good: in a gap its end, the later of two. */
  timerTime(local: number): number {
    if (isEnd(local)) return local;
    const { from, offsets } = this.#stretch(local);
    for (let i = from.length - 1; ; i--) {
      const epoch = local - (offsets[i] ?? 0);
      if (i > 0 && epoch < (from[i] ?? 0)) continue;
      return within(Math.min(epoch, from[i + 1] ?? MAX_TIME));
    }
  }

  /** The first instant at which local time is `local` or later. */
  reaches(local: number): number {
    if (isEnd(local)) return local;
    const { from, offsets } = this.#stretch(local);
    for (let i = 0; ; i++) {
      const epoch = Math.max(from[i] ?? 0, local - (offsets[i] ?? 0));
      if (i === from.length - 1 || epoch < (from[i + 1] ?? 0)) return within(epoch);
    }
  }

  /** Start of the period that an instant lies in (invariant 2). */
  startOf(calendar: Calendar, epoch: number): number {
    if (isEnd(epoch)) return epoch;
    return this.reaches(calendarStart(calendar, this.reached(epoch)));
  }

  /** End of the period that an instant lies in, which is the start of the next. */
  endOf(calendar: Calendar, epoch: number): number {
    if (isEnd(epoch)) return epoch;
    return this.reaches(calendarNext(calendar, calendarStart(calendar, this.reached(epoch))));
  }

  /**
   * Local start of the window of a fixed size on local time that an instant lies in. An hour that comes twice has one
   * window, which is over at `timerTime` of its end.
   */
  floorLocal(sizeMs: number, offsetMs: number, epoch: number): number {
    return floorTime(this.toLocal(epoch), sizeMs, offsetMs);
  }

  /** Changes of the offset from `from` until before `to`: the instant, the offset before and the one after. */
  changes(from: number, to: number): readonly (readonly [epoch: number, before: number, after: number])[] {
    const found: [number, number, number][] = [];
    for (let at = from; at < to; at = endOfStretch(at)) {
      const stretch = this.#stretch(at);
      const end = Math.min(to, endOfStretch(at));
      stretch.from.forEach((epoch, i) => {
        if (i > 0 && epoch >= at && epoch < end)
          found.push([epoch, stretch.offsets[i - 1] ?? 0, stretch.offsets[i] ?? 0]);
      });
    }
    return found;
  }

  /** The latest local time that clocks have shown until an instant: it never goes back. */
  reached(epoch: number): number {
    if (isEnd(epoch)) return epoch;
    const { from, offsets } = this.#stretch(epoch);
    let latest: number = MIN_TIME;
    for (let i = 0; i < from.length && (from[i] ?? 0) <= epoch; i++) {
      const until = Math.min(epoch, (from[i + 1] ?? Number.POSITIVE_INFINITY) - 1);
      latest = Math.max(latest, until + (offsets[i] ?? 0));
    }
    return latest;
  }

  /** What is known around an instant, or around a local time taken for one: the margin is wider than any offset. */
  #stretch(time: number): Stretch {
    const index = Math.min(LAST_STRETCH, Math.max(FIRST_STRETCH, Math.floor(time / STRETCH_MS)));
    if (index === this.#lastIndex && this.#last !== undefined) return this.#last;
    const stretch = this.#stretches.get(index) ?? this.#explore(index);
    this.#stretches.set(index, stretch);
    this.#last = stretch;
    this.#lastIndex = index;
    return stretch;
  }

  #explore(index: number): Stretch {
    const end = (index + 1) * STRETCH_MS + MARGIN_MS;
    let at = index * STRETCH_MS - MARGIN_MS;
    const from: number[] = [MIN_TIME];
    const offsets = [this.#ask(at)];
    while (at < end) {
      const next = Math.min(end, at + SAMPLE_MS);
      const before = offsets.at(-1) ?? 0;
      if (this.#ask(next) === before) {
        at = next;
        continue;
      }
      at = this.#changeBetween(at, next, before);
      from.push(at);
      offsets.push(this.#ask(at));
    }
    return { from, offsets };
  }

  /** The first instant in (from, to] whose offset is another than `before`. Changes come at whole seconds. */
  #changeBetween(from: number, to: number, before: number): number {
    let low = from / 1000;
    let high = to / 1000;
    while (high - low > 1) {
      const middle = Math.floor((low + high) / 2);
      if (this.#ask(middle * 1000) === before) low = middle;
      else high = middle;
    }
    return high * 1000;
  }

  /** The offset at a whole second, from the platform: "1/31/2024, 13:04:05". */
  #ask(epoch: number): number {
    const [month = 1, day = 1, year = 1970, hour = 0, minute = 0, second = 0] = this.#format
      .format(epoch)
      .split(/\D+/)
      .map(Number);
    return daysOfDate(year, month, day) * DAY_MS + ((hour * 60 + minute) * 60 + second) * 1000 - epoch;
  }
}

function formatOf(name: string): Intl.DateTimeFormat {
  try {
    // Some platforms take '+01:00' for a zone, and not all do: a job must not depend on it.
    if (!/^[A-Za-z]/.test(name)) throw new RangeError('not a name');
    return new Intl.DateTimeFormat('en-US', {
      timeZone: name,
      calendar: 'gregory',
      numberingSystem: 'latn',
      hourCycle: 'h23',
      year: 'numeric',
      month: 'numeric',
      day: 'numeric',
      hour: 'numeric',
      minute: 'numeric',
      second: 'numeric',
    });
  } catch (cause) {
    const meant = didYouMean(name, ['UTC', ...Intl.supportedValuesOf('timeZone')]);
    const example = meant === undefined ? "write the name of a region's city, such as 'Europe/Berlin'" : undefined;
    throw new UserError('E1021', { zone: name }, { cause, hint: example ?? `Did you mean '${meant}'?` });
  }
}

const isEnd = (time: number): boolean => time >= MAX_TIME || time <= MIN_TIME;

const within = (time: number): number => Math.min(MAX_TIME, Math.max(MIN_TIME, time));

const endOfStretch = (time: number): number => (Math.floor(time / STRETCH_MS) + 1) * STRETCH_MS;
