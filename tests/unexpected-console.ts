import { format } from "node:util";
import { afterEach, expect } from "vitest";

/** Said by tfjs's own `cpu` backend on its first use in Node; we use that backend in tests on purpose. */
const tfjsBanner = "Hi, looks like you are running TensorFlow.js in Node.js";

const unexpected: string[] = [];

// A warning that nobody asked for is a defect: a test that wants one replaces console itself.
for (const method of ["error", "warn"] as const)
  console[method] = (...values: unknown[]) => {
    const message = format(...values);
    if (!message.includes(tfjsBanner)) unexpected.push(`console.${method}: ${message}`);
  };

afterEach(() => {
  expect(unexpected.splice(0), "unexpected console output").toEqual([]);
});
