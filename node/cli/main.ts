#!/usr/bin/env node
/** The `millrace` command: picks the subcommand and turns what happens into an exit code. */
import { deadLetters, deadLettersHelp } from './dead-letters.ts';
import { explain, explainHelp } from './explain.ts';
import { inspect, inspectHelp } from './inspect.ts';
import { infer, inferHelp } from './infer.ts';
import { EXIT, report, say } from './output.ts';
import { lab, labHelp } from './lab.ts';
import { runCommand, runHelp } from './run.ts';

interface Command {
  readonly run: (args: readonly string[]) => Promise<number>;
  readonly help: string;
  readonly summary: string;
}

const COMMANDS: { readonly [name: string]: Command } = {
  run: { run: runCommand, help: runHelp, summary: 'run a job until its input ends, or until Ctrl-C' },
  explain: { run: explain, help: explainHelp, summary: 'print the plan of a job without running it' },
  lab: { run: lab, help: labHelp, summary: 'incidents of stream processing, with their mechanism off and on' },
  'dead-letters': { run: deadLetters, help: deadLettersHelp, summary: 'what a job could not use, and feeding it back' },
  infer: { run: infer, help: inferHelp, summary: 'propose a schema for a file of NDJSON or CSV' },
  inspect: { run: inspect, help: inspectHelp, summary: 'look into a state folder: checkpoints, operators, offsets' },
};

const HELP = `millrace: event-time stream processing

Usage: millrace <command> [options]

Commands:
${Object.entries(COMMANDS)
  .map(([name, { summary }]) => `  ${name.padEnd(13)} ${summary}`)
  .join('\n')}

millrace <command> --help says more. A first job:

  import { from, schema, timestamp, utf8, count, tumbling, boundedOutOfOrderness } from 'millrace';
  import { ndjsonFiles, ndjsonSink } from 'millrace/node';

  const Click = schema({ at: timestamp(), page: utf8() });
  export default from(ndjsonFiles('clicks/*.ndjson', Click))
    .watermark('at', boundedOutOfOrderness('5 s'))
    .keyBy('page').window(tumbling('1 minute'))
    .aggregate({ clicks: count() })
    .to(ndjsonSink('out'));

Save it as clicks.ts, then: millrace run clicks.ts
`;

async function main(args: readonly string[]): Promise<number> {
  const [name, ...rest] = args;
  if (name === undefined || name === '--help' || name === '-h' || name === 'help') {
    process.stdout.write(HELP);
    return name === undefined ? EXIT.usage : EXIT.done;
  }
  const command = Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined;
  if (command === undefined) {
    say(`There is no command '${name}'. millrace --help lists them.`);
    return EXIT.usage;
  }
  if (rest.includes('--help') || rest.includes('-h')) {
    process.stdout.write(command.help);
    return EXIT.done;
  }
  return command.run(rest);
}

process.setSourceMapsEnabled(true);
process.exitCode = await main(process.argv.slice(2)).catch(report);
