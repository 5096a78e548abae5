/**
 * The sides of the engine benches, each in a process of its own that lives through all rounds: so each keeps the machine code,
 * the heap and the garbage of its own work alone, as it would in production, and an uncounted first round warms it up. One
 * works at a time. Start-up of the processes is not measured; opening files, restoring and ending are.
 *
 * Not here: the work (bid-run.ts, keyed-run.ts, peers/), the process that does it (side-process.ts).
 */
import { type ChildProcess, fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { Side } from '../bench.ts';
import type { Answer, SideName, Task } from '../side-process.ts';

export class SideProcess {
  readonly #child: ChildProcess;
  /** What the last task counted. */
  last: Answer | undefined;

  /** `flags` are options of Node. */
  constructor(flags: readonly string[] = []) {
    const path = fileURLToPath(new URL('side-process.js', sidesFolder));
    this.#child = fork(path, { execArgv: ['--enable-source-maps', '--expose-gc', ...flags] });
  }

  async run<N extends SideName>(task: Task<N>): Promise<Answer> {
    const began = performance.now();
    const answer = await new Promise<Answer>((resolve, reject) => {
      const ended = (code: number | null, signal: string | null): void => {
        const seconds = Math.round((performance.now() - began) / 1000);
        reject(new Error(`${task.side} gave no answer: its process ended ${endText(code, signal)} after ${seconds} s`));
      };
      if (this.#child.exitCode !== null || this.#child.signalCode !== null) {
        ended(this.#child.exitCode, this.#child.signalCode);
        return;
      }
      this.#child.once('exit', ended);
      this.#child.once('message', (message: Answer | { readonly error: string }) => {
        this.#child.removeListener('exit', ended);
        if ('error' in message) reject(new Error(`${task.side}: ${message.error}`));
        else resolve(message);
      });
      // A process that has just ended cannot be told: its end is the message.
      this.#child.send(task, () => undefined);
    });
    this.last = answer;
    return answer;
  }

  /** The task as a side of a comparison. */
  side<N extends SideName>(task: Task<N>): Side {
    return async () => (await this.run(task)).digest;
  }

  /** As `side`, and the time of all cores that each run after the first took. */
  timed<N extends SideName>(task: Task<N>): { readonly side: Side; readonly cpuMs: readonly number[] } {
    const cpuMs: number[] = [];
    let isWarm = false;
    const side = async (): Promise<string> => {
      const { digest, cpuMs: taken } = await this.run(task);
      if (isWarm && taken !== undefined) cpuMs.push(taken);
      isWarm = true;
      return digest;
    };
    return { side, cpuMs };
  }

  [Symbol.dispose](): void {
    this.#child.kill();
  }
}

/** A signal comes from outside: of who ran the bench for a limited time, or of a system that is out of memory. */
const endText = (code: number | null, signal: string | null): string =>
  signal === null ? `with code ${code}` : `by ${signal}, which it was sent from outside,`;

/** Where the bundle puts side-process.js: beside run.js. */
const sidesFolder = new URL('./', `file://${process.argv[1] ?? ''}`);
