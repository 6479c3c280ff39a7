import { type ChildProcess, spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { ContestantError } from "../errors.ts";
import type { Reading, Task } from "./reading.ts";

/** A process of transformers that opens models, one after the other. */
export class Transformers {
  readonly #process: ChildProcess;
  readonly #lines: AsyncIterator<string>;

  constructor(python: string) {
    const environment = { ...process.env, HF_HUB_OFFLINE: "1", TRANSFORMERS_VERBOSITY: "error" };
    const program = fileURLToPath(new URL("peer.py", import.meta.url));
    this.#process = spawn(python, [program], { env: environment, stdio: ["pipe", "pipe", "inherit"] });
    this.#lines = createInterface({ input: this.#process.stdout as NodeJS.ReadableStream })[Symbol.asyncIterator]();
  }

  /** What it makes of a model, which it then saves again. @throws {ContestantError} with its words */
  async read(folder: string, again: string, task: Task): Promise<Reading> {
    this.#process.stdin?.write(`${JSON.stringify({ folder, again, ...task })}\n`);
    const { value } = await this.#lines.next();
    if (value === undefined) throw new ContestantError("transformers ended (see above).");
    const { error, ...reading } = JSON.parse(value);
    if (error !== undefined) throw new ContestantError(error);
    return reading;
  }

  end(): void {
    this.#process.stdin?.end();
  }
}
