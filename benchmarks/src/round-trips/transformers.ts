import { type ChildProcessByStdio, spawn } from "node:child_process";
import { createInterface } from "node:readline";
import type { Readable, Writable } from "node:stream";
import { fileURLToPath } from "node:url";
import { ContestantError } from "../errors.ts";
import type { Reading, Task } from "./reading.ts";

/** A process of transformers that opens models, one after the other. */
export class Transformers {
  readonly #process: ChildProcessByStdio<Writable, Readable, null>;
  readonly #lines: AsyncIterator<string>;
  #complaint = "see above";

  constructor(python: string) {
    const environment = { ...process.env, HF_HUB_OFFLINE: "1", TRANSFORMERS_VERBOSITY: "error" };
    const program = fileURLToPath(new URL("peer.py", import.meta.url));
    this.#process = spawn(python, [program], { env: environment, stdio: ["pipe", "pipe", "inherit"] });
    this.#process.on("error", (error) => {
      this.#complaint = error.message;
    });
    this.#process.stdin.on("error", () => {}); // It has ended; the next answer says so.
    this.#lines = createInterface({ input: this.#process.stdout })[Symbol.asyncIterator]();
  }

  /** What it makes of a model, which it then saves again. @throws {ContestantError} with its words */
  async read(folder: string, again: string, task: Task): Promise<Reading> {
    this.#process.stdin.write(`${JSON.stringify({ folder, again, ...task })}\n`);
    for (;;) {
      const { value, done } = await this.#lines.next();
      if (done) throw new ContestantError(`transformers ended (${this.#complaint}).`);
      if (!value.startsWith("{")) continue; // A library's chatter.
      const { error, ...reading } = JSON.parse(value);
      if (error !== undefined) throw new ContestantError(error);
      return reading;
    }
  }

  end(): void {
    this.#process.stdin.end();
  }
}
