import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";

const { engineFolder, runCargo, findCargo } = vi.hoisted(() => ({
  engineFolder: { path: "" },
  runCargo: vi.fn(),
  findCargo: vi.fn(),
}));
vi.mock("../scripts/engine/cargo.mjs", () => ({
  get engineFolder() {
    return engineFolder.path;
  },
  findCargo,
  noCargo: "there is no cargo",
  runCargo,
  showProgress: () => undefined,
}));

describe("ensureAddon", () => {
  let stderr = "";
  const addon = (): string => join(engineFolder.path, "native", `tessera.${process.platform}-${process.arch}.node`);
  const ensure = async (): Promise<string> => {
    stderr = "";
    vi.resetModules(); // it reads the folder once
    await (await import("../scripts/engine/addon.mjs")).ensureAddon();
    return stderr;
  };
  /** Cargo ends with this code; the library is there. */
  const cargo = (code: number, output = ""): void => {
    findCargo.mockReturnValue({ version: "1.0.0", env: {} });
    runCargo.mockReset().mockImplementation(async () => ({ code, output }));
  };

  beforeEach(() => {
    engineFolder.path = mkdtempSync(join(tmpdir(), "addon-"));
    for (const folder of ["crates", "native", "target/release"])
      mkdirSync(join(engineFolder.path, folder), { recursive: true });
    for (const file of ["Cargo.toml", "Cargo.lock", "rust-toolchain.toml", "crates/lib.rs"])
      writeFileSync(join(engineFolder.path, file), file);
    for (const library of ["libtessera_node.so", "libtessera_node.dylib", "tessera_node.dll"])
      writeFileSync(join(engineFolder.path, "target/release", library), "new");
    vi.spyOn(process.stderr, "write").mockImplementation((text) => {
      stderr += text;
      return true;
    });
  });
  afterEach(() => {
    vi.restoreAllMocks();
    rmSync(engineFolder.path, { recursive: true });
  });

  it("builds when the sources have changed, and only then", async () => {
    cargo(0);
    writeFileSync(addon(), "old");
    await ensure();
    expect(readFileSync(addon(), "utf8")).toBe("new");
    await ensure();
    expect(runCargo).toHaveBeenCalledTimes(1);
    writeFileSync(join(engineFolder.path, "crates/lib.rs"), "changed");
    await ensure();
    expect(runCargo).toHaveBeenCalledTimes(2);
  });

  it.each([
    ["the build fails", () => cargo(101, "error[E0425]: no such value\n"), "no such value"],
    ["there is no cargo", () => findCargo.mockReturnValue({ problem: "there is no cargo" }), "there is no cargo"],
  ])("sets one of older sources aside when %s, and says so", async (_, prepare, why) => {
    writeFileSync(addon(), "old");
    prepare();
    expect(await ensure()).toMatch(new RegExp(`not built: ${why} .*Going on without it\\.\n$`));
    expect(existsSync(addon())).toBe(false);
    expect(readFileSync(`${addon()}.old`, "utf8")).toBe("old");
  });

  it("does without silently where there has never been one, nor cargo", async () => {
    findCargo.mockReturnValue({ problem: "there is no cargo" });
    expect(await ensure()).toBe("");
  });

  it("says in one line why the file cannot be replaced, and tries again the next time", async () => {
    cargo(0);
    mkdirSync(addon()); // a folder is as little replaced as a library in use on Windows
    expect(await ensure()).toMatch(/The native engine was not built: E[A-Z]+: .*rename.*\n$/);
    rmSync(addon(), { recursive: true, force: true });
    await ensure();
    expect(readFileSync(addon(), "utf8")).toBe("new");
  });
});
