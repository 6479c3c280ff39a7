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
  /** The 99th percentile of how long its event loop made others wait, in ms, if it has one. */
  readonly eventLoopDelay?: number;
}

/** Its resident memory, in MB. */
export interface MemoryReport {
  readonly now: number;
  /** The most that it has held so far. */
  readonly peak: number;
}

type Answer = Partial<Introduction & RunReport & { rssBytes: number; peakRssBytes: number; error: string }>;

/**
 * A program under measurement, ours or a peer's: a child process that stays alive and works only on command, so that
 * two of them can take turns. It speaks JSON, one object per line. First it introduces itself. Then it reads commands
 * from standard input: `run n` or `run n WORK`, for one that does several kinds of work, answered by a {@link RunReport};
 * and `memory`, answered by its resident memory in bytes. It ends with its input. Instead of any answer it may send
 * `{ "error": "…" }`.
 */
export class Contestant {
  readonly #process: ChildProcessByStdio<Writable, Readable, Readable>;
  readonly #lines: AsyncIterator<string>;
  readonly #output: Interface;
  #complaints = "";
  #introduction: Introduction | undefined;

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
    this.#introduction ??= { name: (await this.#answer()).name ?? "unnamed" };
    return this.#introduction;
  }

  async run(count: number, work = ""): Promise<RunReport> {
    const { milliseconds = [], check = Number.NaN, eventLoopDelay } = await this.#ask(`run ${count} ${work}`.trim());
    return { milliseconds, check, ...(eventLoopDelay !== undefined && { eventLoopDelay }) };
  }

  async memory(): Promise<MemoryReport> {
    const { rssBytes = Number.NaN, peakRssBytes = Number.NaN } = await this.#ask("memory");
    return { now: rssBytes / 2 ** 20, peak: peakRssBytes / 2 ** 20 };
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
