import { useBackend } from "../../packages/backend/src/index.ts";
import { firstLosses } from "./losses.ts";
import { tellStory } from "./story.ts";

/** Tells the server what came out, or what went wrong. */
async function report(): Promise<void> {
  const result = await compute().catch((error: unknown) => ({ error: String(error) }));
  await fetch("/result", { method: "POST", body: JSON.stringify(result) });
}

/** What the address asks for: `?losses`, or `?story=` and the address of a folder. */
async function compute(): Promise<object> {
  const { name } = await useBackend("tessera-wasm");
  const folder = new URLSearchParams(location.search).get("story");
  if (folder === null) return { name, losses: await firstLosses() };
  return { name, story: await tellStory((file) => fetched(`${folder}/${file}`)) };
}

async function fetched(address: string): Promise<Uint8Array> {
  const response = await fetch(address);
  if (!response.ok) throw new RangeError(`${address}: ${response.status}`);
  return new Uint8Array(await response.arrayBuffer());
}

void report();
