import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { createReadStream } from "node:fs";
import {
  access,
  copyFile,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  realpath,
  rm,
  symlink,
  truncate,
  writeFile,
} from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { ReadError, SafetensorsError, TensorDataError, WriteError } from "./errors.ts";
import {
  openSafetensorsFile,
  readText,
  removeLeftovers,
  writeFileAtomic,
  writeFolderAtomic,
  writeSafetensorsFile,
} from "./node.ts";
import type { HostTensor, TensorToWrite } from "./tensor.ts";

let folder = "";
beforeEach(async () => {
  folder = await realpath(await mkdtemp(join(tmpdir(), "weights-")));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const inside = (...names: string[]): string => join(folder, ...names);
const text = (path: string): Promise<string> => readFile(path, "utf8");
const weight: [string, HostTensor] = ["w", { dtype: "F32", shape: [2], data: Float32Array.of(1, 2) }];

describe("safetensors files", () => {
  it("are written whole and read by name", async () => {
    await writeSafetensorsFile(inside("new", "m.safetensors"), [weight], { format: "pt" });
    const file = await openSafetensorsFile(inside("new", "m.safetensors"));
    expect(file.metadata.get("format")).toBe("pt");
    expect(await file.read("w")).toEqual(weight[1]);
    await file.close();
    await expect(file.read("w")).rejects.toThrow(ReadError);
    expect(await readdir(inside("new"))).toEqual(["m.safetensors"]);
  });

  it("leave the old file and nothing else when a tensor turns out to be wrong", async () => {
    await writeFile(inside("m"), "old");
    const wrong: HostTensor = { dtype: "F32", shape: [3], data: Float32Array.of(1) };
    await expect(writeSafetensorsFile(inside("m"), [weight, ["x", wrong]])).rejects.toThrow(TensorDataError);
    expect(await text(inside("m"))).toBe("old");
    expect(await readdir(folder)).toEqual(["m"]);
  });

  it("are written from tensors that are fetched one at a time, while the event loop runs", async () => {
    const shape = [1000];
    const asked: number[] = [];
    let ticks = 0;
    const timer = setInterval(() => ticks++, 0);
    const lazy = (index: number): [string, TensorToWrite] => {
      const read = async (): Promise<Float32Array> => {
        asked.push(index);
        await new Promise((resolve) => setTimeout(resolve, 2));
        return new Float32Array(shape[0]).fill(index);
      };
      return [`t${index}`, { dtype: "F32", shape, read }];
    };
    await writeSafetensorsFile(inside("m"), [lazy(0), weight, lazy(1), lazy(2)]);
    clearInterval(timer);
    expect(ticks).toBeGreaterThan(2);
    expect(asked).toEqual([0, 1, 2]);
    const file = await openSafetensorsFile(inside("m"));
    expect((await file.read("t1")).data).toEqual(new Float32Array(1000).fill(1));
    expect((await file.read("w")).data).toEqual(weight[1].data);
    await file.close();
  });

  it("leave the old file and nothing else when a tensor cannot be fetched", async () => {
    await writeFile(inside("m"), "old");
    const failing = async (): Promise<never> => {
      throw new TypeError("the device is lost");
    };
    const tensors: [string, TensorToWrite][] = [weight, ["x", { dtype: "F32", shape: [3], read: failing }]];
    await expect(writeSafetensorsFile(inside("m"), tensors)).rejects.toThrow(new TypeError("the device is lost"));
    expect(await text(inside("m"))).toBe("old");
    expect(await readdir(folder)).toEqual(["m"]);
  });

  it("larger than 4 GB are read at any position (a sparse file)", async () => {
    const size = 5 * 2 ** 30;
    const json = JSON.stringify({
      big: { dtype: "U8", shape: [size], data_offsets: [0, size] },
      last: { dtype: "U8", shape: [3], data_offsets: [size, size + 3] },
    });
    const prefix = Buffer.alloc(8);
    prefix.writeUInt32LE(json.length);
    await writeFile(inside("big"), Buffer.concat([prefix, Buffer.from(json)]));
    await truncate(inside("big"), 8 + json.length + size);
    await writeFile(inside("big"), Uint8Array.of(7, 8, 9), { flag: "a" });
    const file = await openSafetensorsFile(inside("big"));
    expect((await file.read("last")).data).toEqual(Uint8Array.of(7, 8, 9));
    await file.close();
  });

  it("that cannot be read say why", async () => {
    await writeFile(inside("short"), "{}");
    await expect(openSafetensorsFile(inside("none"))).rejects.toThrow(
      `Cannot read ${inside("none")}: it does not exist.`,
    );
    await expect(openSafetensorsFile(folder)).rejects.toThrow(`Cannot read ${folder}: it is a folder.`);
    await expect(openSafetensorsFile(inside("none"))).rejects.toThrow(ReadError);
    await expect(openSafetensorsFile(inside("short"))).rejects.toThrow(SafetensorsError);
  });

  it("that are cut while open say so", async () => {
    await writeSafetensorsFile(inside("m"), [weight]);
    const file = await openSafetensorsFile(inside("m"));
    await truncate(inside("m"), 20);
    await expect(file.read("w")).rejects.toThrow(/it ended at byte \d+: it was cut while open/);
    await file.close();
  });
});

describe("writeFileAtomic", () => {
  it("takes text, bytes and chunks, makes parent folders and replaces", async () => {
    const path = inside("a", "b", "c.txt");
    await writeFileAtomic(path, "héllo");
    expect(await text(path)).toBe("héllo");
    await writeFileAtomic(path, Buffer.from("bytes"));
    expect(await text(path)).toBe("bytes");
    await writeFileAtomic(path, [Buffer.from("two "), new Uint8Array(0), Buffer.from("chunks")]);
    expect(await text(path)).toBe("two chunks");
    async function* fetched(): AsyncGenerator<Uint8Array> {
      yield Buffer.from("chunks ");
      yield Buffer.from("that were fetched");
    }
    await writeFileAtomic(path, fetched());
    expect(await text(path)).toBe("chunks that were fetched");
    expect(await readdir(inside("a", "b"))).toEqual(["c.txt"]);
  });

  it("keeps the old file when the chunks throw", async () => {
    const path = inside("kept");
    await writeFile(path, "old");
    function* failing(): Generator<Uint8Array> {
      yield Buffer.from("new");
      throw new TypeError("no more");
    }
    await expect(writeFileAtomic(path, failing())).rejects.toThrow(new TypeError("no more"));
    expect(await text(path)).toBe("old");
    expect(await readdir(folder)).toEqual(["kept"]);
  });

  it("passes on that an input cannot be read, unchanged", async () => {
    async function* copied(): AsyncGenerator<Uint8Array> {
      yield* createReadStream(inside("input"));
    }
    const missing = writeFileAtomic(inside("m"), copied());
    await expect(missing).rejects.not.toThrow(WriteError);
    await expect(missing).rejects.toMatchObject({ code: "ENOENT", path: inside("input") });
    expect(await readdir(folder)).toEqual([]);
  });

  it("turns a disk that fills up into a WriteError, where the chunks meet it", async () => {
    function* failing(): Generator<Uint8Array> {
      yield Buffer.from("new");
      throw Object.assign(new Error("ENOSPC: no space left on device, write"), { code: "ENOSPC" });
    }
    await expect(writeFileAtomic(inside("m"), failing())).rejects.toThrow(WriteError);
    await expect(writeFileAtomic(inside("m"), failing())).rejects.toThrow(
      `Cannot write ${inside("m")}: the disk is full`,
    );
  });

  it("writes through a symbolic link", async () => {
    await writeFile(inside("real"), "old");
    await symlink(inside("real"), inside("link"));
    await writeFileAtomic(inside("link"), "new");
    expect(await text(inside("real"))).toBe("new");
    expect(await realpath(inside("link"))).toBe(inside("real"));
  });

  it("says what to do when the path is a folder, or leads through a file", async () => {
    await writeFile(inside("file"), "");
    await mkdir(inside("full", "of", "things"), { recursive: true });
    await expect(writeFileAtomic(inside("full"), "x")).rejects.toThrow(WriteError);
    await expect(writeFileAtomic(inside("full"), "x")).rejects.toThrow("it is a folder; choose the name of a file");
    const below = writeFileAtomic(inside("file", "x"), "x");
    await expect(below).rejects.toThrow(/Cannot write .*: it, or a part of its path, is a file; choose another folder/);
    expect((await readdir(folder)).sort()).toEqual(["file", "full"]);
  });

  it.skipIf(process.getuid?.() === 0 || process.platform === "win32")("says that permission is denied", async () => {
    await mkdir(inside("locked"), { mode: 0o500 });
    await expect(writeFileAtomic(inside("locked", "x"), "x")).rejects.toThrow("permission is denied; choose a folder");
  });
});

describe("writeFolderAtomic", () => {
  function* failing(): Generator<Uint8Array> {
    throw Object.assign(new TypeError("not a number"), { code: "ERR_INVALID_ARG_TYPE" });
  }
  const fillWith =
    (content: string) =>
    async (temporary: string): Promise<void> => {
      await mkdir(join(temporary, "deep"));
      await writeFile(join(temporary, "deep", "a"), content);
    };

  it("makes a folder that appears only when it is full", async () => {
    const path = inside("new", "model");
    await writeFolderAtomic(path, async (temporary) => {
      await fillWith("content")(temporary);
      await expect(access(path)).rejects.toThrow("ENOENT");
    });
    expect(await text(join(path, "deep", "a"))).toBe("content");
    expect(await readdir(inside("new"))).toEqual(["model"]);
  });

  it("replaces a folder with all that was in it", async () => {
    await writeFolderAtomic(inside("m"), async (temporary) => writeFile(join(temporary, "old"), "old"));
    await writeFolderAtomic(inside("m"), fillWith("new"));
    expect(await readdir(inside("m"))).toEqual(["deep"]);
    expect(await readdir(folder)).toEqual(["m"]);
  });

  it("keeps the old folder, and nothing else, when fill throws", async () => {
    await writeFolderAtomic(inside("m"), fillWith("old"));
    const failing = writeFolderAtomic(inside("m"), async (temporary) => {
      await fillWith("new")(temporary);
      throw new RangeError("no");
    });
    await expect(failing).rejects.toThrow(new RangeError("no"));
    expect(await text(inside("m", "deep", "a"))).toBe("old");
    expect(await readdir(folder)).toEqual(["m"]);
  });

  it.each<[string, (temporary: string) => unknown]>([
    ["an input that does not exist", () => readFile(inside("input"))],
    ["an input that cannot be copied", (temporary) => copyFile(inside("input"), join(temporary, "a"))],
    ["a folder beside the temporary one", (temporary) => readFile(`${temporary}-other`)],
    ["a defect", (temporary) => writeFile(join(temporary, "a"), 1 as never)],
    ["a defect that is not a promise's", () => Buffer.alloc("a" as never)],
    ["a cancelled write", (temporary) => writeFile(join(temporary, "a"), "a", { signal: AbortSignal.abort() })],
    ["a cancellation", () => AbortSignal.abort().throwIfAborted()],
    ["what is no error at all", () => Promise.reject("a string")],
    ["an error of a file written inside", (temporary) => writeFileAtomic(join(temporary, "a"), failing())],
  ])("passes what fill throws unchanged: %s", async (_, act) => {
    let thrown: unknown;
    const fill = async (temporary: string): Promise<void> => {
      try {
        await act(temporary);
      } catch (error) {
        thrown = error;
        throw error;
      }
    };
    const caught = await writeFolderAtomic(inside("m"), fill).catch((error: unknown) => error);
    expect(caught).toBeDefined();
    expect(caught).toBe(thrown);
    expect(caught).not.toBeInstanceOf(WriteError);
    expect(await readdir(folder)).toEqual([]);
  });

  it("turns what the system says of a file inside the temporary folder into a WriteError", async () => {
    const write = writeFolderAtomic(inside("m"), (temporary) => writeFile(join(temporary, "missing", "a"), "a"));
    await expect(write).rejects.toThrow(WriteError);
    await expect(write).rejects.toMatchObject({ code: "ENOENT", path: inside("m"), cause: { code: "ENOENT" } });
    expect(await readdir(folder)).toEqual([]);
  });

  it("leaves the WriteError of a file inside as it is", async () => {
    const full = Object.assign(new Error("ENOSPC: no space left on device"), { code: "ENOSPC" });
    const write = writeFolderAtomic(inside("m"), async (temporary) => {
      await writeSafetensorsFile(join(temporary, "a"), [
        ["w", { dtype: "F32", shape: [1], read: () => Promise.reject(full) }],
      ]);
    });
    await expect(write).rejects.toThrow(WriteError);
    await expect(write).rejects.toMatchObject({ code: "ENOSPC", cause: full });
  });

  it.skipIf(process.platform !== "linux")("ends where no folder can be made", async () => {
    await expect(writeFolderAtomic("/proc/new/m", fillWith("x"))).rejects.toThrow(WriteError);
  });

  it.skipIf(process.platform !== "linux")("turns a full disk into a WriteError", async () => {
    const full = writeFolderAtomic(inside("m"), () => writeFile("/dev/full", "x"));
    await expect(full).rejects.toThrow(WriteError);
    await expect(full).rejects.toThrow(`Cannot write ${inside("m")}: the disk is full; free some space`);
    await expect(full).rejects.toMatchObject({ code: "ENOSPC", path: inside("m"), isTesseraError: true });
    expect(await readdir(folder)).toEqual([]);
  });

  it("turns a read-only disk into a WriteError", async () => {
    const readOnly = Object.assign(new Error("EROFS: read-only file system, open"), { code: "EROFS" });
    const write = writeFolderAtomic(inside("m"), () => Promise.reject(readOnly));
    await expect(write).rejects.toThrow("the file system is read-only; choose another folder");
  });

  it("does not replace a file by a folder", async () => {
    await writeFile(inside("m"), "precious");
    await expect(writeFolderAtomic(inside("m"), fillWith("new"))).rejects.toThrow(WriteError);
    expect(await text(inside("m"))).toBe("precious");
  });
});

describe("removeLeftovers", () => {
  const dead = 2 ** 22 + 1; // beyond the largest process number of any system we know

  it("removes what a dead process left and nothing else", async () => {
    const leftovers = [`.m.tessera-${dead}-0123456789ab.new`, `.f.bin.tessera-${dead}-0123456789ab.new`];
    await mkdir(inside(leftovers[0]));
    await writeFile(inside(leftovers[1]), "");
    const others = [
      "m",
      ".hidden",
      `.m.tessera-${process.ppid}-0123456789ab.new`,
      `m.tessera-${dead}-0123456789ab.new`,
    ];
    for (const name of others) await mkdir(inside(name));
    expect((await removeLeftovers(folder)).sort()).toEqual(leftovers.sort());
    expect((await readdir(folder)).sort()).toEqual(others.sort());
  });

  it("leaves alone what this process is writing, not what an earlier one of the same number left", async () => {
    const stale = `.m.tessera-${process.pid}-0123456789ab.new`;
    await mkdir(inside(stale));
    await writeFolderAtomic(inside("m"), async (temporary) => {
      expect(await removeLeftovers(folder)).toEqual([stale]);
      await writeFile(join(temporary, "a"), "a");
    });
    expect(await readdir(inside("m"))).toEqual(["a"]);
  });

  it("puts an old folder back that was moved aside but not replaced", async () => {
    await mkdir(inside(`.m.tessera-${dead}-0123456789ab.old`, "old"), { recursive: true });
    await mkdir(inside(`.m.tessera-${dead}-0123456789ab.new`, "new"), { recursive: true });
    await removeLeftovers(folder);
    expect(await readdir(folder)).toEqual(["m"]);
    expect(await readdir(inside("m"))).toEqual(["old"]);
  });

  it("removes an old folder that has been replaced", async () => {
    await mkdir(inside(`.m.tessera-${dead}-0123456789ab.old`));
    await mkdir(inside("m", "new"), { recursive: true });
    await removeLeftovers(folder);
    expect(await readdir(folder)).toEqual(["m"]);
    expect(await readdir(inside("m"))).toEqual(["new"]);
  });
});

describe("a process killed while it replaces a folder", () => {
  it("leaves a whole folder, old or new, at whatever moment", async () => {
    const script = `
      import { writeFile } from "node:fs/promises";
      import { writeFolderAtomic } from ${JSON.stringify(new URL("./atomic.ts", import.meta.url).href)};
      for (let round = 0; ; round++) {
        await writeFolderAtomic(${JSON.stringify(inside("m"))}, async (temporary) => {
          for (const name of ["a", "b", "c"]) await writeFile(temporary + "/" + name, String(round));
        });
        process.stdout.write(".");
      }`;
    await writeFile(inside("writer.mts"), script);
    for (let delay = 0; delay < 24; delay += 4) {
      const writer = spawn(process.execPath, ["--import", import.meta.resolve("tsx"), inside("writer.mts")]);
      await killSoonAfterFirstOutput(writer, delay);
      await removeLeftovers(folder);
      expect((await readdir(folder)).sort()).toEqual(["m", "writer.mts"]);
      const contents = await Promise.all(["a", "b", "c"].map((name) => text(inside("m", name))));
      expect(new Set(contents).size).toBe(1);
    }
  });
});

async function killSoonAfterFirstOutput(child: ChildProcess, milliseconds: number): Promise<void> {
  const exited = once(child, "exit");
  await Promise.race([once(child.stdout as NodeJS.ReadableStream, "data"), exited]);
  await new Promise((resolve) => setTimeout(resolve, milliseconds));
  child.kill("SIGKILL");
  const [, signal] = (await exited) as [number | null, string | null];
  expect(signal).toBe("SIGKILL");
}

describe.skipIf(process.platform === "win32")("what is no regular file", () => {
  it("is refused at once, not waited for", async () => {
    const pipe = inside("model.safetensors");
    execFileSync("/usr/bin/env", ["mkfifo", pipe]);
    await expect(openSafetensorsFile(pipe)).rejects.toThrow("it is not a regular file");
    await expect(readText("/dev/zero", 10)).rejects.toThrow("it is not a regular file");
  });
});

it("reads text up to a limit", async () => {
  await writeFile(inside("text"), "naïve");
  expect(await readText(inside("text"), 6)).toBe("naïve");
  await expect(readText(inside("text"), 5)).rejects.toThrow("its 6 bytes pass the limit of 5");
});
