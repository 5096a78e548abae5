/**
 * The three kinds of errors.
 *  - InternalError: our bug. Fails the task at once, with values in the message.
 *  - UserError: a job, option or input that cannot work. Code, message, location, hint; never retried.
 *  - ExternalError: disk, quota, network. Code, cause, and whether trying again can help.
 * Bad records are data, not errors: they are counted dead letters.
 *
 * Every code has one message maker here, so a code without a message does not compile; a test makes each code once.
 * Numbers: E10xx options and schema, E12xx planning, E13xx run time, E14xx state and checkpoints, E15xx sources and
 * sinks.
 */

const messages = {
  E1001: (p: { text: string; what: string }) =>
    `'${p.text}' is not a duration for ${p.what}; write a number, a space and a unit, such as '10 s' or '1 hour'`,
  E1002: (p: { text: string; what: string }) =>
    `'${p.text}' is not a size for ${p.what}; write a number, a space and a unit, such as '256 MB'`,
  E1003: (p: { what: string; text: string }) => `${p.what} must be greater than zero, but is '${p.text}'`,
  E1004: (p: { what: string }) => `${p.what} is not a column: write it with its call, such as utf8()`,
  E1005: (p: { column: string }) => `column '${p.column}' is declared twice`,
  E1006: (p: { what: string; needs: string; got: string }) => `${p.what} must be ${p.needs}, but is ${p.got}`,
  E1007: (p: { text: string }) => `'${p.text}' is not an instant; write it with its zone, such as '2001-01-03T10:00Z'`,
  E1008: (p: { clock: string }) => `an instant of ${p.clock} is not a number; use since(), or epochMs on both sides`,
  E1009: (p: { option: string; where: string }) => `unknown option '${p.option}' of ${p.where}`,
  E1021: (p: { zone: string }) => `'${p.zone}' is not a time zone that is known here`,
  E1023: (p: { text: string; what: string }) =>
    `'${p.text}' has no fixed length, and ${p.what} needs one: weeks, months, quarters and years are sizes of tumbling()`,
  E1203: (p: { column: string; where: string }) => `unknown column '${p.column}' in ${p.where}`,
  E1204: (p: { column: string; type: string; where: string; needs: string }) =>
    `column '${p.column}' is ${p.type}, but ${p.where} needs ${p.needs}`,
  E1220: (p: { expression: string; where: string; problem: string }) =>
    `cannot evaluate ${p.expression} in ${p.where}: ${p.problem}`,
  E1205: (p: { where: string }) => `${p.where} needs event time, but no watermark comes before it`,
  E1206: (p: { sink: string }) => `${p.sink} takes inserts only, but these results also update and delete rows`,
  E1207: (p: { column: string; where: string }) => `'${p.column}' in ${p.where} is already a column of the result`,
  E1208: (p: { condition: string; where: string }) =>
    `${p.condition} was built in ${p.where}, but is no part of its answer`,
  E1209: (p: { uid: string }) => `the uid '${p.uid}' stands on two operators`,
  E1211: (p: { where: string }) => `${p.where} cannot read results that update and delete rows`,
  E1214: (p: { step: string }) => `watermark cannot come below ${p.step}, whose rows are of no one split`,
  E1215: (p: { step: string }) => `align cannot hold back the rows of ${p.step}`,
  E1301: (p: { column: string; value: string }) =>
    `int64 column '${p.column}' holds ${p.value}, which a number cannot hold exactly`,
  E1302: (p: { needed: string; budget: string; largest: string }) =>
    `state needs more memory than its budget: ${p.needed} needed, ${p.budget} allowed (largest: ${p.largest})`,
  E1305: () => 'state changed faster than a checkpoint of it could be written: the memory for its image is used up',
  E1310: (p: { does: string; at: string; problem: string; row: string; key?: string }) =>
    `the function of a ${p.does} failed on the row${p.at}${p.key === undefined ? '' : ` of key ${p.key}`}: ${p.problem} (row: ${p.row})`,
  E1330: (p: { clock: string; got: string }) =>
    `a timer of ${p.clock} must be given an instant of ${p.clock}, but was given ${p.got}`,
  E1331: (p: { timer: string; declared: string }) => `no timer is named ${p.timer}; declared: ${p.declared}`,
  E1332: (p: { side: string; declared: string }) => `no side is named ${p.side}; declared: ${p.declared}`,
  E1333: (p: { timer: string; at: string; key: string; problem: string }) =>
    `the function of timer '${p.timer}' at ${p.at} of key ${p.key} failed: ${p.problem}`,
  E1316: (p: { state: string; at: string; key: string; problem: string }) =>
    `onExpire failed for state '${p.state}' of key ${p.key}, which expired at ${p.at}: ${p.problem}`,
  E1335: (p: { uid: string; known: string }) => `the job has no '${p.uid}' to ask; it has: ${p.known}`,
  E1338: (p: { uid: string; at: string; problem: string }) =>
    `'${p.uid}' has no window that starts at ${p.at}: ${p.problem}`,
  E1336: (p: { source: string; position: number; status: string }) =>
    `the job is ${p.status}, and '${p.source}' never came to ${p.position}`,
  E1334: (p: { state: string }) =>
    `broadcast state '${p.state}' is read only here: it is written by the broadcast input`,
  E1303: (p: { column: string; type: string; value: string }) =>
    `column '${p.column}' is ${p.type} and cannot hold ${p.value}`,
  E1304: (p: { value: string }) => `a row must be an object with the columns as properties, but is ${p.value}`,
  E1337: (p: { state: string; bytes: number; most: number }) =>
    `an entry of state '${p.state}' has ${p.bytes} bytes with its key; at most ${p.most} can be kept`,
  E1339: (p: { from: number; to: number; key: string; limit: string }) =>
    `${p.from === p.to ? `number ${p.from}` : `numbers ${p.from} to ${p.to}`} of key ${p.key} did not come within ${p.limit}`,
  E1340: (p: { status: string }) => `the job ended (${p.status}) before all that the token names was processed`,
  E1341: (p: { name: string }) => `the token names '${p.name}', which this job does not read`,
  E1311: (p: { what: string }) => `the sum of '${p.what}' left the range of int64; nothing was written for its window`,
  E1312: () => 'a row is taken back whose group has no rows: its input is no changelog of the rows that came before',
  E1313: () => 'the values of one group are more than an aggregate can hold: about 97,000, or 1 MiB of text',
  E1314: (p: { does: string; name: string; at: string; key: string; problem: string; row: string }) =>
    `${p.does} of aggregate '${p.name}' failed on the row${p.at}${p.key}: ${p.problem} (row: ${p.row})`,
  E1315: (p: { does: string; name: string; key: string; when: string; problem: string }) =>
    `${p.does} of aggregate '${p.name}' failed for the rows${p.key}${p.when}: ${p.problem}`,
  E1213: (p: { start: string; end: string; problem: string }) =>
    `the function of the window from ${p.start} to ${p.end} failed: ${p.problem}`,
  E1212: (p: { what: string }) => `${p.what} is not available yet`,
  E1401: (p: { path: string; problem: string }) => `the state at ${p.path} cannot be used: ${p.problem}`,
  E1402: (p: { path: string; found: string; expected: string }) =>
    `the state at ${p.path} belongs to job '${p.found}', not '${p.expected}'`,
  E1403: (p: { path: string; found: number; expected: number }) =>
    `the state at ${p.path} has format version ${p.found}; this version of millrace reads ${p.expected}`,
  E1404: (p: { path: string; epoch: number; owner: number }) =>
    `this job no longer owns the state at ${p.path}: epoch ${p.owner} has taken over from epoch ${p.epoch}`,
  E1405: (p: { uids: string }) => `the checkpoint holds state of operators that the job no longer has: ${p.uids}`,
  E1406: (p: { uid: string; changes: string }) =>
    `'${p.uid}' cannot go on with the state in the checkpoint, which is of something else: ${p.changes}`,
  E1407: (p: { uid: string; splits: string }) =>
    `the job is finished, and '${p.uid}' has input that came after its end: ${p.splits}`,
  E1411: (p: { path: string; problem: string }) => `no room is left for the state at ${p.path}: ${p.problem}`,
  E1412: (p: { path: string; problem: string }) => `the connection to the state at ${p.path} was lost: ${p.problem}`,
  E1413: (p: { path: string; problem: string }) => `the state at ${p.path} is gone: ${p.problem}`,
  E1414: (p: { zone: string; uid: string; rows: number; before: string; after: string }) =>
    `the clocks of ${p.zone} are not those that the open windows of '${p.uid}' (${p.rows} rows) were made by: a change to ${p.before} in the checkpoint, ${p.after} here`,
  E1501: (p: { path: string; problem: string }) => `cannot read ${p.path}: ${p.problem}`,
  E1502: (p: { path: string; problem: string }) => `cannot write ${p.path}: ${p.problem}`,
  E1601: (p: { option: string; command: string }) => `millrace ${p.command} has no option ${p.option}`,
  E1603: (p: { path: string; at: string; problem: string }) =>
    `${p.path}${p.at === '' ? '' : `, ${p.at}`}: ${p.problem}`,
  E1604: (p: { command: string; problem: string }) => `millrace ${p.command}: ${p.problem}`,
  E1605: (p: { row: string }) => `the lab has no row '${p.row}'`,
  E1602: (p: { path: string; problem: string }) => `${p.path} cannot be run: ${p.problem}`,
  E1503: (p: { path: string; problem: string }) => `the output folder ${p.path} cannot be used: ${p.problem}`,
  E1504: (p: { pattern: string }) => `no file matches '${p.pattern}'`,
  E1505: (p: { path: string; part: string; problem: string }) =>
    `the output ${p.part} in ${p.path} cannot be committed: ${p.problem}`,
  E1507: (p: { path: string; problem: string }) => `not all that was in ${p.path} can be read: ${p.problem}`,
  E1508: (p: { options: string }) => `no source of this job can be read with ${p.options}`,
  E1509: (p: { source: string; before: string }) =>
    `source '${p.source}' was ${p.before} when its checkpoint was taken`,
  E1510: (p: { source: string; option: string; problem: string }) =>
    `${p.source} cannot be read with ${p.option}: ${p.problem}`,
  E1521: (p: { path: string; problem: string }) =>
    `${p.path} does not begin with a header for this schema: ${p.problem}`,
  E1511: (p: { problem: string }) => `dead letters cannot be fed back: ${p.problem}`,
  E1506: (p: { source: string }) => `${p.source} cannot be read again: what followed the last checkpoint is gone`,
} satisfies { readonly [code: string]: (params: never) => string };

/** Codes of errors that users meet; a code never changes its meaning. */
export type ErrorCode = keyof typeof messages;
type Params<C extends ErrorCode> = Parameters<(typeof messages)[C]>[0];

/** Where the mistake stands, as far as known: file and line, operator uid, split and offset. */
export interface ErrorLocation {
  readonly file?: string;
  readonly line?: number;
  readonly source?: string;
  readonly operator?: string;
}

export interface ErrorDetails {
  readonly location?: ErrorLocation;
  readonly hint?: string;
  readonly cause?: unknown;
}

/** The message of a code, as any error with this code carries it. */
function messageOf<C extends ErrorCode>(code: C, params: Params<C>): string {
  // The table's functions take their own parameters; C ties the two together, which the compiler cannot follow through an index.
  return (messages[code] as (params: Params<C>) => string)(params);
}

/** What all errors of Millrace have: a code, a location, and a hint where there is one. */
export abstract class MillraceError extends Error {
  readonly code: ErrorCode;
  readonly hint: string | undefined;
  location: ErrorLocation;

  constructor(code: ErrorCode, message: string, details: ErrorDetails) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.code = code;
    this.hint = details.hint;
    this.location = details.location ?? {};
  }

  /** The error as a person reads it: code and message, where, what to do. */
  format(): string {
    const { file, line, source, operator } = this.location;
    const place =
      file === undefined
        ? ''
        : `\n  ${file}${line === undefined ? '' : `:${line}`}${source === undefined ? '' : `  ${source.trim()}`}`;
    const inside = operator === undefined ? '' : `\n  in operator ${operator}`;
    const hint = this.hint === undefined ? '' : `\n  ${this.hint}`;
    return `error[${this.code}] ${this.message}${place}${inside}${hint}`;
  }
}

/** The job, its options or its input are wrong; the message says what, where, and what to do. */
export class UserError<C extends ErrorCode = ErrorCode> extends MillraceError {
  override readonly name = 'UserError';

  constructor(code: C, params: Params<C>, details: ErrorDetails = {}) {
    super(code, messageOf(code, params), details);
  }
}

/** Something outside failed: a file, a disk, a service. Trying again may help. */
export class ExternalError<C extends ErrorCode = ErrorCode> extends MillraceError {
  override readonly name = 'ExternalError';
  readonly retry: 'never' | 'backoff';

  constructor(code: C, params: Params<C>, details: ErrorDetails & { readonly retry?: 'never' | 'backoff' } = {}) {
    super(code, messageOf(code, params), details);
    this.retry = details.retry ?? 'never';
  }
}

/** A mistake of the engine: something that it relies on does not hold. Please report it. */
export class InternalError extends Error {
  override readonly name = 'InternalError';
}

/** The nearest of `names` to a mistyped one, when it is near enough to be meant (edit distance at most a third). */
export function didYouMean(typed: string, names: readonly string[]): string | undefined {
  const near = names
    .map((name) => ({
      name,
      distance: editDistance(typed.toLowerCase(), name.toLowerCase()),
      inside: name.toLowerCase().includes(typed.toLowerCase()),
    }))
    .filter(
      ({ name, distance, inside }) =>
        inside || distance <= Math.max(1, Math.floor(Math.max(typed.length, name.length) / 3)),
    )
    .sort((a, b) => Number(b.inside) - Number(a.inside) || a.distance - b.distance);
  return near[0]?.name;
}

/** Levenshtein distance, one row of the table at a time. */
function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const change = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(change, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1));
    }
    row = next;
  }
  return row[b.length] ?? 0;
}
