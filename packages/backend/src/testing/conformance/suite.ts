/** `suite.cjs BACKEND REPORT`, once bundled: runs the specs of tfjs-core on a backend and writes a line for each event. */
import { appendFileSync } from "node:fs";
import { setTestEnvs } from "@tensorflow/tfjs-core/dist/jasmine_util.js";
import jasmineRequire, { type Environment, type Result } from "jasmine-core/lib/jasmine-core/jasmine.js";
import { type BackendName, useBackend } from "../../use-backend.ts";
import { ENVIRONMENT, type SuiteEvent } from "./events.ts";

const [backendName, report] = process.argv.slice(2) as [BackendName, string];

async function main(): Promise<void> {
  const environment = defineGlobals();
  await useBackend(backendName);
  setTestEnvs([{ name: ENVIRONMENT, backendName, isDataSync: true }]);
  await import("@tensorflow/tfjs-core/dist/tests.js"); // only now: the specs read what stands above while they load
  environment.addReporter(reporter);
  environment.configure({ random: false });
  await environment.execute();
}

/** `describe`, `it` and the rest. */
function defineGlobals(): Environment {
  const jasmine = jasmineRequire.core(jasmineRequire);
  const environment = jasmine.getEnv({ suppressLoadErrors: true });
  Object.assign(globalThis, jasmineRequire.interface(jasmine, environment));
  return environment;
}

const reporter = {
  specStarted: ({ fullName }: Result) => write({ type: "started", name: fullName }),
  specDone: (result: Result) => write({ type: "spec", name: result.fullName, ...outcome(result) }),
  suiteDone: (result: Result) => write({ type: "suite", name: result.fullName, ...outcome(result) }),
  jasmineDone: (result: Result) => write({ type: "done", ...outcome(result) }),
};

function outcome({ status, failedExpectations }: Result): { status: string; failures: readonly string[] } {
  return { status, failures: failedExpectations.map(({ message }) => message) };
}

/** At once, so that a crash leaves the name of the spec that it happened in. */
function write(event: SuiteEvent): void {
  appendFileSync(report, `${JSON.stringify(event)}\n`);
}

void main();
