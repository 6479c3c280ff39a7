import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createServer, type Plugin } from "vite";
import { describe, expect, it } from "vitest";
import { useBackend } from "../packages/backend/src/index.ts";
import { firstLosses } from "./browser/losses.ts";
import { repository } from "./repository.ts";

const chromium = ["chromium", "chromium-browser", "google-chrome"].find(
  (name) => spawnSync(name, ["--version"]).status === 0,
);

describe.skipIf(chromium === undefined)("the engine in a browser", () => {
  it("trains as it does in Node", async () => {
    await useBackend("tessera-wasm");
    const expected = (await firstLosses()).map((loss) => expect.closeTo(loss, 5));
    expect(await inBrowser()).toEqual({ name: "tessera-wasm", losses: expected });
  }, 120_000);
});

/** Serves `tests/browser`, opens it, and waits for what the page reports. */
async function inBrowser(): Promise<unknown> {
  let resolve: (result: unknown) => void = () => {};
  const result = new Promise<unknown>((settle) => {
    resolve = settle;
  });
  const receive: Plugin = {
    name: "receive",
    configureServer: ({ middlewares }) => {
      middlewares.use("/result", (request, response) => {
        let body = "";
        request.on("data", (chunk) => {
          body += chunk;
        });
        request.on("end", () => resolve(JSON.parse(body)));
        response.end();
      });
    },
  };
  const profile = mkdtempSync(join(tmpdir(), "tessera-browser-"));
  const server = await createServer({
    root: join(repository, "tests/browser"),
    configFile: false,
    cacheDir: join(profile, "vite"),
    logLevel: "error",
    resolve: { conditions: ["@tessera-lm/source", "module", "browser", "development|production"] },
    server: { port: 0, fs: { allow: [repository] } },
    plugins: [receive],
  });
  await server.listen();
  const url = server.resolvedUrls?.local[0] as string;
  const flags = ["--headless", "--no-sandbox", "--disable-gpu", `--user-data-dir=${profile}`];
  const browser = spawn(chromium as string, [...flags, url], { stdio: "ignore" });
  try {
    return await result;
  } finally {
    browser.kill();
    await once(browser, "exit");
    await server.close();
    rmSync(profile, { recursive: true, force: true, maxRetries: 5 });
  }
}
