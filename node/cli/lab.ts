/** `millrace lab`: lists the incidents, and runs one with its mechanism on or off. */
import { SCENARIOS, describeBound, holds, type Pattern, type Scenario } from '../../src/lab/index.ts';
import { UserError } from '../../src/base/errors.ts';
import { formatOptions, type OptionSpec, readArguments } from './arguments.ts';
import { EXIT } from './output.ts';

const OPTIONS = {
  off: { type: 'boolean', help: 'with the mechanism off: shows the incident' },
  seed: { type: 'string', value: '<n>', help: 'another tape of the same kind (1 when left out)' },
} as const satisfies { readonly [name: string]: OptionSpec };

export const labHelp = `millrace lab: incidents of stream processing, and their absence

Usage: millrace lab                  lists them
       millrace lab <row>            runs one with its mechanism on, such as: millrace lab 07
       millrace lab <row> --off      the same tape with the mechanism off

Options:
${formatOptions(OPTIONS)}
`;

export async function lab(args: readonly string[]): Promise<number> {
  const { positionals, text, flag } = readArguments('lab', args, OPTIONS);
  const [wanted] = positionals;
  if (wanted === undefined) {
    process.stdout.write(`${SCENARIOS.map(lineOf).join('\n')}\n`);
    return EXIT.done;
  }
  const scenario = SCENARIOS.find(({ row, name }) => Number(wanted) === row || wanted === name);
  if (scenario === undefined) {
    throw new UserError('E1605', { row: wanted }, { hint: 'millrace lab lists the rows that there are.' });
  }
  const seed = Number(text('seed') ?? 1);
  return show(scenario, flag('off') ? 'off' : 'on', Number.isSafeInteger(seed) ? seed : 1);
}

const numberOf = (row: number): string => String(row).padStart(2, '0');

const lineOf = ({ row, name, incident }: Scenario): string => `${numberOf(row)}  ${name.padEnd(28)} ${incident}`;

async function show(scenario: Scenario, pattern: Pattern, seed: number): Promise<number> {
  const { row, incident, guide, figures } = scenario;
  const measured = scenario.measure(await scenario.run(pattern, seed));
  const lines = figures.map((figure) => {
    const value = measured.figures[figure.name] ?? Number.NaN;
    const bound = pattern === 'off' ? figure.off : figure.on;
    return `  ${figure.means}: ${formatFigure(value)} ${figure.unit} (${describeBound(bound)}: ${
      holds(bound, value) ? 'as expected' : 'NOT as expected'
    })`;
  });
  const isExpected = figures.every((figure) =>
    holds(pattern === 'off' ? figure.off : figure.on, measured.figures[figure.name] ?? Number.NaN),
  );
  process.stdout.write(`${numberOf(row)} ${incident}, mechanism ${pattern}, seed ${seed}

${measured.evidence.map((line) => `  ${line}`).join('\n')}

${lines.join('\n')}

  Symptom  ${guide.symptom}
  Cause    ${guide.cause}
  Setting  ${guide.setting}
  Watch    ${guide.watch}
`);
  return isExpected ? EXIT.done : EXIT.failed;
}

const formatFigure = (value: number): string =>
  Number.isInteger(value) ? String(value) : value.toPrecision(4).replace(/\.?0+$/, '');
