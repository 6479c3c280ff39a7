import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { cacheFolder } from "@tessera-examples/common";
import { makeFolder } from "@tessera-lm/weights/node";
import { PeerUnavailableError } from "./errors.ts";

/** Native peers from npm, with the binaries of this machine alone. */
const packages: Readonly<Record<string, string>> = {
  "node-llama-cpp": "3.22.1",
  [`@node-llama-cpp/${process.platform}-${process.arch}`]: "3.22.1",
  "onnxruntime-node": "1.30.0",
};

/**
 * A folder in which the native peers are installed: in the cache folder, once, because they are large.
 * @throws PeerUnavailableError if npm cannot install them
 */
export async function nodePeers(say: (line: string) => void): Promise<string> {
  const folder = join(cacheFolder(), "bench-node");
  const manifest = `${JSON.stringify({ private: true, type: "module", dependencies: packages }, null, 2)}\n`;
  const receipt = join(folder, "installed.json");
  if (existsSync(receipt) && (await readFile(receipt, "utf8")) === manifest) return folder;
  say(`Installing ${Object.keys(packages).join(", ")} for comparison in ${folder} (once) …`);
  await makeFolder(folder);
  await writeFile(join(folder, "package.json"), manifest);
  if ((await npmInstall(folder)) !== 0) {
    throw new PeerUnavailableError(
      `npm could not install ${Object.keys(packages).join(", ")} in ${folder} (see above).`,
    );
  }
  await writeFile(receipt, manifest);
  return folder;
}

/** Without install scripts, which would build or download. */
function npmInstall(folder: string): Promise<number> {
  const args = ["install", "--ignore-scripts", "--omit=optional", "--no-audit", "--no-fund", "--loglevel=error"];
  return new Promise((resolve) => {
    const child = spawn("npm", args, { cwd: folder, stdio: ["ignore", 2, 2], shell: process.platform === "win32" });
    child.once("error", () => resolve(127));
    child.once("close", (code) => resolve(code ?? 1));
  });
}
