import { removeBackend } from "@tensorflow/tfjs";
import { describe, expect, it, vi } from "vitest";
import { useBackend } from "../index.ts";
import type { EngineHost } from "./host.ts";
import { setEngineBackend } from "./register.ts";

const host = {
  description: "a host of no commands",
  commands: [] as string[],
  drain: () => undefined,
} as unknown as EngineHost;

describe("setEngineBackend", () => {
  it("loads once, also when two ask at once and after a removal, and again only when that failed", async () => {
    await useBackend("cpu");
    const load = vi.fn(async () => host).mockRejectedValueOnce(new Error("not yet"));
    const start = (): Promise<string> => setEngineBackend("test-engine", load);
    await expect(Promise.all([start(), start()])).rejects.toThrow("not yet");
    expect(load).toHaveBeenCalledTimes(1);
    expect(await Promise.all([start(), start()])).toEqual([host.description, host.description]);
    removeBackend("test-engine");
    await start();
    expect(load).toHaveBeenCalledTimes(2);
    await useBackend("cpu");
    removeBackend("test-engine");
  });
});
