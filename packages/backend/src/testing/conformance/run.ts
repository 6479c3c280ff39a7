import { spawn } from "node:child_process";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Worker } from "node:worker_threads";
import type { BackendName } from "../../use-backend.ts";
import { bundleSuite } from "./bundle.ts";
import { ENVIRONMENT, type SuiteEvent } from "./events.ts";

/** What became of the specs. */
export interface Conformance {
  /** How many passed or failed. */
  readonly executed: number;
  /** What failed, by name: specs, and suites around them. */
  readonly failures: ReadonlyMap<string, readonly string[]>;
}

/** The bundled specs, in a temporary folder. */
export class ConformanceSuite {
  private readonly folder: string;

  private constructor(folder: string) {
    this.folder = folder;
  }

  static async build(): Promise<ConformanceSuite> {
    const suite = new ConformanceSuite(await mkdtemp(join(tmpdir(), "tessera-conformance-")));
    await bundleSuite(suite.program);
    return suite;
  }

  /** Runs the specs on a backend, in a process of their own or in a worker thread of this one. */
  async run(backend: BackendName, where: "process" | "worker" = "process"): Promise<Conformance> {
    const report = join(this.folder, `${backend}-${where}.jsonl`);
    const ended = await start[where](this.program, [backend, report]);
    return summary(await readEvents(report), ended);
  }

  async remove(): Promise<void> {
    await rm(this.folder, { recursive: true });
  }

  private get program(): string {
    return join(this.folder, "suite.cjs");
  }
}

/** How the specs' program is started; resolves to how it ended, in words. */
const start = {
  process: (program: string, argv: readonly string[]): Promise<string> => {
    const child = spawn(process.execPath, [program, ...argv], { stdio: ["ignore", "ignore", "pipe"] });
    let errors = "";
    child.stderr.on("data", (chunk) => {
      errors += chunk;
    });
    return new Promise((resolve, reject) => {
      child.once("error", reject);
      child.once("close", (code, signal) => resolve(`${signal ?? `exit code ${code}`}\n${errors.slice(-2000)}`));
    });
  },
  worker: (program: string, argv: readonly string[]): Promise<string> => {
    const worker = new Worker(program, { argv: [...argv], stdout: true, stderr: true });
    return new Promise((resolve) => {
      worker.once("error", (error) => resolve(String(error.stack)));
      worker.once("exit", (code) => resolve(`exit code ${code}`));
    });
  },
};

async function readEvents(report: string): Promise<SuiteEvent[]> {
  const lines = await readFile(report, "utf8").catch(() => "");
  return lines.split("\n").flatMap((line) => (line === "" ? [] : [JSON.parse(line) as SuiteEvent]));
}

function summary(events: readonly SuiteEvent[], ended: string): Conformance {
  const executed = events.filter(({ type, ...event }) => type === "spec" && "status" in event && ran(event.status));
  const failures = events.flatMap((event) =>
    "failures" in event && event.failures.length > 0 ? [[nameOf(event), event.failures] as const] : [],
  );
  const last = events.at(-1);
  const crash = last?.type === "done" ? [] : [[`crash in ${last ? nameOf(last) : "the start"}`, [ended]] as const];
  return { executed: executed.length, failures: new Map([...failures, ...crash]) };
}

const ran = (status: string): boolean => status === "passed" || status === "failed";

const nameOf = (event: SuiteEvent): string =>
  "name" in event ? event.name.replace(` ${ENVIRONMENT} {}`, "") : "outside of all suites";
