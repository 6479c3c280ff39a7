// A process that trains and saves after every step until it is killed: `node endless-run.ts FOLDER`.
import { setBackend } from "@tensorflow/tfjs";
import { saveCheckpoint } from "../actions.ts";
import { train } from "../train.ts";
import { tinyModel, tinyRun, tinyStore } from "./tiny-run.ts";

await setBackend("cpu");
const model = tinyModel();
const store = tinyStore(model, process.argv[2]);
const resume = (await store.latest()) === undefined ? undefined : await store.load();
const every = { 1: [saveCheckpoint(store)] };
for await (const event of train({ ...tinyRun(model), steps: 1_000_000, every, resume })) {
  process.stdout.write(`${JSON.stringify(event)}\n`);
}
