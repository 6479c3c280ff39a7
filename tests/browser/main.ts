import { useBackend } from "../../packages/backend/src/index.ts";
import { firstLosses } from "./losses.ts";

/** Tells the server what came out, or what went wrong. */
async function report(): Promise<void> {
  const result = await compute().catch((error: unknown) => ({ error: String(error) }));
  await fetch("/result", { method: "POST", body: JSON.stringify(result) });
}

async function compute(): Promise<object> {
  const { name } = await useBackend("tessera-wasm");
  return { name, losses: await firstLosses() };
}

void report();
