/** `millrace dead-letters`: what a job could not use, by source and reason, and feeding it back. */
import { UserError } from '../../src/base/errors.ts';
import { LetterFiles, type Letter, originOf } from '../letter-files.ts';
import { formatOptions, type OptionSpec, readArguments } from './arguments.ts';
import { bold, EXIT, say } from './output.ts';
import { runCommand } from './run.ts';
import { requireFolder } from './state-folder.ts';

const OPTIONS: { readonly [name: string]: OptionSpec } = {
  reason: { type: 'string', value: '<text>', help: 'only letters whose reason has this text' },
  source: { type: 'string', value: '<uid>', help: 'only letters of this operator' },
  samples: { type: 'string', value: '<n>', help: 'records shown of each reason (default: 3)' },
  json: { type: 'boolean', help: 'print every letter as JSON lines, with the part that it stands in' },
  replay: { type: 'string', value: '<job>', help: 'go on with this job, and feed its letters back' },
};

export const deadLettersHelp = `millrace dead-letters <state folder> [options]

Lists the records that a job could not use: how many by operator and reason, with samples of the records as they were.

To feed them back, copy a part of <state folder>/dead-letters to <state folder>/dead-letters/repaired under its own name, put
its records right there ("record", or "base64" where there is one; lines may be taken out), and continue the job with --replay,
or with: millrace run <job> --state <state folder> --replay-dead-letters. Each part is fed back once, as it is then: asking
again feeds back what was refused since. The records are read as if they stood in the file that they came from, and are late
where the watermark has passed them. A job that is finished takes none: its windows are closed.

Options:
${formatOptions(OPTIONS)}
`;

type PlacedLetter = Letter & { readonly part: string };

export async function deadLetters(args: readonly string[]): Promise<number> {
  const options = readArguments('dead-letters', args, OPTIONS);
  const [folder] = options.positionals;
  if (folder === undefined || options.positionals.length > 1) {
    say(deadLettersHelp);
    return EXIT.usage;
  }
  await requireFolder(folder);
  const job = options.text('replay');
  if (job !== undefined) return runCommand([job, '--state', folder, '--replay-dead-letters']);
  const letters = await lettersIn(folder, options.text('source'), options.text('reason'));
  const samples = Number(options.text('samples') ?? 3);
  if (!Number.isInteger(samples) || samples < 0) {
    const got = `'${options.text('samples')}'`;
    throw new UserError('E1006', { what: '--samples', needs: 'a whole number from 0 on', got });
  }
  const lines = options.flag('json') ? letters.map((letter) => JSON.stringify(letter)) : summary(letters, samples);
  process.stdout.write(lines.map((line) => `${line}\n`).join(''));
  return EXIT.done;
}

async function lettersIn(folder: string, source?: string, reason?: string): Promise<readonly PlacedLetter[]> {
  const files = new LetterFiles(folder);
  const letters: PlacedLetter[] = [];
  for (const part of await files.parts()) {
    for (const letter of await files.read(part)) {
      const isMeant = (source ?? letter.operator) === letter.operator && letter.reason.includes(reason ?? '');
      if (isMeant) letters.push({ part, ...letter });
    }
  }
  return letters;
}

function summary(letters: readonly PlacedLetter[], samples: number): readonly string[] {
  if (letters.length === 0) return ['no dead letters'];
  const groups = new Map<string, PlacedLetter[]>();
  for (const letter of letters) {
    const key = JSON.stringify([letter.operator, letter.reason]);
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [letter]);
    else group.push(letter);
  }
  const largest = [...groups.values()].sort((a, b) => b.length - a.length);
  const count = (n: number): string => `${n.toLocaleString('en-US')} dead letter${n === 1 ? '' : 's'}`;
  return [
    bold(`${count(letters.length)} in ${new Set(letters.map(({ part }) => part)).size} parts`),
    ...largest.flatMap((group) => [
      `${group[0]?.operator}: ${group[0]?.reason}: ${group.length.toLocaleString('en-US')}`,
      ...group.slice(0, samples).map(sampleOf),
    ]),
  ];
}

/** One line in printable characters: a terminal must not obey what data says. */
function sampleOf({ part, split, offset, position, record, whole }: PlacedLetter): string {
  const place = split === null ? 'a row inside the job' : `${originOf(split)} at ${offset}`;
  const byte = position === null ? '' : ` byte ${position}`;
  const text = record.slice(0, 120).replace(/[\u0000-\u001f\u007f-\u009f]/g, '\ufffd');
  return `    ${part}  ${place}${byte}${whole ? '' : ' (not whole)'}: ${text}`;
}
