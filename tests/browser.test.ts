import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createServer, type Plugin } from "vite";
import { describe, expect, it } from "vitest";
import { useBackend } from "../packages/backend/src/index.ts";
import { firstLosses } from "./browser/losses.ts";
import { tellStory } from "./browser/story.ts";
import { repository } from "./repository.ts";

/** A real model, outside the repository. */
const data = join(repository, "../shared/data");
const stories = join(data, "weights/stories260K");

const chromium = ["chromium", "chromium-browser", "google-chrome"].find(
  (name) => spawnSync(name, ["--version"]).status === 0,
);

describe.skipIf(chromium === undefined)("the engine in a browser", () => {
  it("trains as it does in Node", async () => {
    await useBackend("tessera-wasm");
    const expected = (await firstLosses()).map((loss) => expect.closeTo(loss, 5));
    expect(await inBrowser("?losses")).toEqual({ name: "tessera-wasm", losses: expected });
  }, 120_000);

  it.skipIf(!existsSync(stories))(
    "tells the story that it tells in Node, which is the reference's",
    async () => {
      await useBackend("tessera-wasm");
      const story = await tellStory((name) => readFile(join(stories, name)));
      const { greedy_text } = JSON.parse(readFileSync(join(data, "golden/stories260K_reference.json"), "utf8"));
      const reference = greedy_text.replaceAll("<0x0A>", "\n").trim();
      expect(reference.length).toBeGreaterThan(300);
      expect(story.trim().slice(0, reference.length)).toBe(reference);
      expect(await inBrowser(`?story=/@fs${stories}`)).toEqual({ name: "tessera-wasm", story });
    },
    120_000,
  );
});

/** Serves `tests/browser`, opens it, and waits for what the page reports about what it is asked. */
async function inBrowser(question: string): Promise<unknown> {
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
    server: { port: 0, fs: { allow: [repository, stories] } },
    plugins: [receive],
  });
  await server.listen();
  const url = server.resolvedUrls?.local[0] as string;
  const flags = ["--headless", "--no-sandbox", "--disable-gpu", `--user-data-dir=${profile}`];
  const browser = spawn(chromium as string, [...flags, url + question], { stdio: "ignore" });
  try {
    return await result;
  } finally {
    browser.kill();
    await once(browser, "exit");
    await server.close();
    rmSync(profile, { recursive: true, force: true, maxRetries: 5 });
  }
}
