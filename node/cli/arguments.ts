/** Command lines: options that any command may have, read strictly, so that a mistyped one is an error and not ignored. */
import { parseArgs } from 'node:util';
import { didYouMean, UserError } from '../../src/base/errors.ts';

export interface OptionSpec {
  readonly type: 'string' | 'boolean';
  readonly help: string;
  /** What stands for the value in the help: <dir>. */
  readonly value?: string;
}

export interface Arguments {
  readonly positionals: readonly string[];
  text(name: string): string | undefined;
  flag(name: string): boolean;
}

export function readArguments(
  command: string,
  args: readonly string[],
  options: { readonly [name: string]: OptionSpec },
): Arguments {
  checkNames(command, args, Object.keys(options));
  const { values, positionals } = parsed(command, args, options);
  return {
    positionals,
    text(name) {
      const value = values[name];
      return typeof value === 'string' ? value : undefined;
    },
    flag: (name) => values[name] === true,
  };
}

function parsed(command: string, args: readonly string[], options: { readonly [name: string]: OptionSpec }) {
  try {
    return parseArgs({
      args: [...args],
      allowPositionals: true,
      strict: true,
      options: Object.fromEntries(Object.entries(options).map(([name, { type }]) => [name, { type }])),
    });
  } catch (cause) {
    // What the parser says begins with what is wrong; what follows is advice for programs of another kind.
    const problem = cause instanceof Error ? (cause.message.split(/[.\n]/)[0] ?? '') : String(cause);
    throw new UserError('E1604', { command, problem }, { hint: `See millrace ${command} --help.`, cause });
  }
}

function checkNames(command: string, args: readonly string[], known: readonly string[]): void {
  for (const arg of args) {
    const name = /^--([^=]+)/.exec(arg)?.[1];
    if (name === undefined || known.includes(name)) continue;
    const meant = didYouMean(name, known);
    throw new UserError(
      'E1601',
      { option: `--${name}`, command },
      {
        hint: meant === undefined ? `See millrace ${command} --help.` : `Did you mean --${meant}?`,
      },
    );
  }
}

/** The options as lines of help. */
export function formatOptions(options: { readonly [name: string]: OptionSpec }): string {
  return Object.entries(options)
    .map(([name, { value, help }]) => `  ${`--${name}${value === undefined ? '' : ` ${value}`}`.padEnd(26)} ${help}`)
    .join('\n');
}
