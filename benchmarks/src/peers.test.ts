import { afterEach, expect, it, vi } from "vitest";
import { nodePeers } from "./node-peers.ts";
import { pythonWith } from "./python.ts";

afterEach(() => {
  vi.unstubAllEnvs();
});

it.skipIf(process.platform !== "linux")("peers are not waited for where no folder can be made for them", async () => {
  vi.stubEnv("TESSERA_BENCH_PYTHON", "");
  vi.stubEnv("TESSERA_CACHE", "/proc/no");
  for (const install of [nodePeers(() => {}), pythonWith(["torch"], () => {})]) {
    await expect(install).rejects.toThrow("the system makes no files and folders there; choose another folder");
  }
});
