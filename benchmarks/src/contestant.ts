import { type ChildProcessByStdio, spawn } from "node:child_process";
import { createInterface, type Interface } from "node:readline";
import type { Readable, Writable } from "node:stream";
import { ContestantError } from "./errors.ts";

/** What a contestant says of itself when it is ready. */
export interface Introduction {
  /** Such as `torch 2.15.0`, or the name of our backend. */
  readonly name: string;
}

/** What a contestant answers to `run n`. */
export interface RunReport {
  /** How long each of the n runs took. */
  readonly milliseconds: readonly number[];
  /** A number by which one sees that it did the work: a loss, a count, a hash. */
  readonly check: number;
}

type Answer = Partial<Introduction & RunReport & { peakRssBytes: number; error: string }>;

/**
 * A program under measurement, ours or a peer's: a child process that stays alive and works only on command, so that
 * two of them can take turns. It speaks JSON, one object per line. First it introduces itself. Then it reads commands
 * from standard input: `run n`, answered by a {@link RunReport}, and `memory`, answered by the peak of its resident
 * memory. It ends with its input. Instead of any answer it may send `{ "error": "…" }`.
 */
export class Contestant {
  readonly #process: ChildProcessByStdio<Writable, Readable, Readable>;
  readonly #lines: AsyncIterator<string>;
  readonly #output: Interface;
  #complaints = "";

  constructor(command: string, args: readonly string[], env: NodeJS.ProcessEnv = process.env) {
    this.#process = spawn(command, args, { stdio: ["pipe", "pipe", "pipe"], env });
    this.#process.on("error", (error) => {
      this.#complaints += error.message;
    });
    this.#process.stdin.on("error", () => {}); // It has ended; the next answer says so.
    this.#process.stderr.on("data", (chunk: Buffer) => {
      this.#complaints = (this.#complaints + chunk.toString()).slice(-2000);
    });
    this.#output = createInterface({ input: this.#process.stdout });
    this.#lines = this.#output[Symbol.asyncIterator]();
  }

  /** Its introduction: the first thing to ask for. */
  async introduction(): Promise<Introduction> {
    const { name } = await this.#answer();
    return { name: name ?? "unnamed" };
  }

  async run(count: number): Promise<RunReport> {
    const { milliseconds = [], check = Number.NaN } = await this.#ask(`run ${count}`);
    return { milliseconds, check };
  }

  /** The most memory that it has held so far, in MB. */
  async peakMegabytes(): Promise<number> {
    const { peakRssBytes = Number.NaN } = await this.#ask("memory");
    return peakRssBytes / 2 ** 20;
  }

  /** Ends it, and waits until it is gone. */
  async end(): Promise<void> {
    this.#process.stdin.end();
    this.#output.close();
    if (this.#process.exitCode !== null || this.#process.pid === undefined) return;
    const gone = new Promise((resolve) => this.#process.once("close", resolve));
    const impatient = setTimeout(() => this.#process.kill("SIGKILL"), 5000);
    await gone;
    clearTimeout(impatient);
  }

  #ask(command: string): Promise<Answer> {
    this.#process.stdin.write(`${command}\n`);
    return this.#answer();
  }

  async #answer(): Promise<Answer> {
    for (;;) {
      const { value, done } = await this.#lines.next();
      if (done) throw new ContestantError(this.#lastWords());
      if (!value.startsWith("{")) continue; // A library's chatter.
      const answer = JSON.parse(value) as Answer;
      if (answer.error !== undefined) throw new ContestantError(answer.error);
      return answer;
    }
  }

  #lastWords(): string {
    const lines = this.#complaints.trim().split("\n");
    return `the program ended: ${lines.at(-1) || `exit code ${this.#process.exitCode}`}`;
  }
}
