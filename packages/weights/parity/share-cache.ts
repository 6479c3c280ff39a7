/**
 * Shows that Hugging Face's Python client and ours share a cache: each fetches a model from a hub on localhost, and the
 * other finds it there. With huggingface_hub installed in the Python that is given:
 *
 *     npx tsx --conditions=@tessera-lm/source parity/share-cache.ts python3
 */
import { deepEqual, equal } from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { downloadFromHub } from "../src/node.ts";
import { fakeHub } from "../src/testing/fake-hub.ts";

const python = process.argv[2] ?? "python3";
const hub = await fakeHub();
hub.files.set("config.json", { bytes: Buffer.from('{"model_type":"tiny"}'), lfs: false });
hub.files.set("model.safetensors", { bytes: Buffer.alloc(100_000, 7), lfs: true });
const { endpoint } = hub;

const inPython = async (cache: string, offline: boolean): Promise<string> => {
  const program = `
from huggingface_hub import hf_hub_download, scan_cache_dir, snapshot_download
folder = snapshot_download("owner/name", allow_patterns=["*.json", "*.safetensors"])
assert hf_hub_download("owner/name", "config.json") == folder + "/config.json"
report = scan_cache_dir()
assert not report.warnings and report.size_on_disk == 100_021, report
print(folder)`;
  const variables = { HF_ENDPOINT: endpoint, HF_HUB_CACHE: cache, HF_HUB_OFFLINE: offline ? "1" : "0" };
  const { stdout } = await promisify(execFile)(python, ["-c", program], { env: { ...process.env, ...variables } });
  return stdout.trim();
};

const ours = await mkdtemp(join(tmpdir(), "ours-"));
const folder = await downloadFromHub("owner/name", { endpoint, cacheFolder: ours, token: false });
equal(await inPython(ours, true), folder);
hub.requests.length = 0;
equal(await inPython(ours, false), folder);
equal(hub.requests.filter((request) => request.includes("safetensors")).length, 0);

const theirs = await mkdtemp(join(tmpdir(), "theirs-"));
const theirFolder = await inPython(theirs, false);
hub.requests.length = 0;
equal(await downloadFromHub("owner/name", { endpoint, cacheFolder: theirs, offline: true }), theirFolder);
equal(await downloadFromHub("owner/name", { endpoint, cacheFolder: theirs, token: false }), theirFolder);
deepEqual(hub.requests, ["/api/models/owner/name/revision/main"]);
equal((await readFile(join(theirFolder, "model.safetensors"))).length, 100_000);

await hub.close();
for (const cache of [ours, theirs]) await rm(cache, { recursive: true });
console.log("Each finds what the other fetched.");
