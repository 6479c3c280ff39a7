import { execFileSync } from "node:child_process";
import {
  cp,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  realpath,
  rename,
  rm,
  symlink,
  truncate,
  writeFile,
} from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join, relative, sep } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { MissingTensorError, ReadError, ShardIndexError, TensorDataError, WrongFormatError } from "../errors.ts";
import { fileInFolder } from "../folder-file.ts";
import type { TensorToWrite } from "../tensor.ts";
import { openSafetensorsFile } from "./file.ts";
import { openSafetensorsFolder, writeSafetensorsFolder } from "./folder.ts";
import { openShardedSafetensors } from "./sharded.ts";

const fixtures = fileURLToPath(new URL("../fixtures/", import.meta.url));
const python = join(fixtures, "sharded");
const INDEX = "model.safetensors.index.json";
const ramp = (length: number): Float32Array => Float32Array.from({ length }, (_, i) => i);

/** What make-sharded.py wrote. */
const tensors: [string, TensorToWrite][] = [
  ["first", { dtype: "F32", shape: [2, 3], data: ramp(6) }],
  ["second", { dtype: "F16", shape: [12], data: ramp(12) }],
  ["large", { dtype: "F32", shape: [20], data: ramp(20) }],
  ["third", { dtype: "I32", shape: [3], data: Int32Array.of(0, 1, 2) }],
  ["fourth", { dtype: "F32", shape: [10], data: ramp(10) }],
];

let folder: string;
beforeEach(async () => {
  folder = join(await mkdtemp(join(tmpdir(), "shards-")), "model");
});
afterEach(() => rm(dirname(folder), { recursive: true }));

describe("shards", () => {
  it("that Python wrote open as one file", async () => {
    const file = await openSafetensorsFolder(python);
    expect([...file.entries.keys()].sort()).toEqual(tensors.map(([name]) => name).sort());
    expect(file.metadata.get("format")).toBe("pt");
    for (const [name, tensor] of tensors) expect(await file.read(name)).toEqual(tensor);
    await expect(file.read("fifth")).rejects.toThrow(MissingTensorError);
    expect((await file.readRows("third", 1, 3)).data).toEqual(Int32Array.of(1, 2));
    await expect(file.readRows("fifth", 0, 1)).rejects.toThrow(MissingTensorError);
    await file.close();
  });

  it("are written as Python writes them, byte for byte", async () => {
    await writeSafetensorsFolder(folder, tensors, { maxShardBytes: 48 });
    expect((await readdir(folder)).sort()).toEqual((await readdir(python)).sort());
    for (const name of await readdir(python)) {
      expect(await readFile(join(folder, name), "latin1"), name).toBe(await readFile(join(python, name), "latin1"));
    }
  });

  it("replace what lay there, in one file or in others, and nothing else", async () => {
    await mkdir(folder);
    await writeFile(join(folder, "config.json"), "{}");
    await writeSafetensorsFolder(folder, tensors);
    expect((await readdir(folder)).sort()).toEqual(["config.json", "model.safetensors"]);
    await writeSafetensorsFolder(folder, tensors, { maxShardBytes: 100 });
    const many = await readdir(folder);
    expect(many).not.toContain("model.safetensors");
    expect(many).toContain(INDEX);
    await writeSafetensorsFolder(folder, tensors);
    expect((await readdir(folder)).sort()).toEqual(["config.json", "model.safetensors"]);
    const file = await openSafetensorsFolder(folder);
    expect(await file.read("third")).toEqual(tensors[3]?.[1]);
    await file.close();
  });

  it("take no name twice, and no tensors make one file", async () => {
    await expect(writeSafetensorsFolder(folder, tensors.concat(tensors), { maxShardBytes: 1 })).rejects.toThrow(
      TensorDataError,
    );
    await writeSafetensorsFolder(folder, []);
    const file = await openSafetensorsFolder(folder);
    expect(file.entries.size).toBe(0);
    await file.close();
  });
});

const index = (weightMap: unknown): string => JSON.stringify({ metadata: {}, weight_map: weightMap });
const open = (): Promise<unknown> => openShardedSafetensors(join(folder, INDEX));

describe("openShardedSafetensors", () => {
  beforeEach(() => cp(python, folder, { recursive: true }));

  it("lists every problem at once", async () => {
    const shards = (await readdir(folder)).filter((name) => name !== INDEX).sort();
    const [cut = "", missing = "", whole = ""] = shards;
    await truncate(join(folder, cut), 150);
    await rm(join(folder, missing));
    await writeFile(join(folder, INDEX), index({ a: cut, b: missing, c: whole, d: "none.safetensors" }));
    const error = await open().catch((error: unknown) => error);
    expect(error).toBeInstanceOf(ShardIndexError);
    const { problems } = error as ShardIndexError;
    expect(problems).toHaveLength(4);
    expect(problems[0]).toContain(cut);
    expect(problems[1]).toMatch(`${missing}: it does not exist`);
    expect(problems[2]).toMatch("none.safetensors: it does not exist");
    expect(problems[3]).toBe(`${whole} does not hold "c"`);
  });

  it.each([
    ["../secret.safetensors"],
    ["sub/../../secret.safetensors"],
    ["/etc/passwd"],
    ["..\\secret.safetensors"],
    ["C:\\secret.safetensors"],
    ["C:secret.safetensors"],
    [""],
    ["."],
  ])("refuses a shard at %j by name", async (shard) => {
    await writeFile(join(folder, INDEX), index({ w: shard }));
    await expect(open()).rejects.toThrow(ShardIndexError);
    await expect(open()).rejects.toThrow(`${JSON.stringify(shard)}: a file of a model must lie in the model's folder`);
  });

  it("refuses a link out of the folder, also to where a sibling's name begins with the folder's", async () => {
    const outside = `${folder}-outside`;
    await cp(python, outside, { recursive: true });
    const [shard = ""] = (await readdir(folder)).sort();
    await rm(join(folder, shard));
    await symlink(join(outside, shard), join(folder, shard));
    await expect(open()).rejects.toThrow("outside of the model's folder");
    await expect(openShardedSafetensors(join(outside, INDEX)).then((file) => file.close())).resolves.toBeUndefined();
  });

  it("refuses, in Hugging Face's cache, a link to what is no blob of the model", async () => {
    const cache = `${folder}-cache`;
    const snapshot = join(cache, "models--owner--name/snapshots/0123");
    await cp(folder, snapshot, { recursive: true });
    const [shard = ""] = (await readdir(folder)).sort();
    await rm(join(snapshot, shard));
    await cp(join(folder, shard), join(cache, "secret"));
    await symlink(join(cache, "secret"), join(snapshot, shard));
    await expect(openSafetensorsFolder(snapshot)).rejects.toThrow("outside of the model's folder");
  });

  it("refuses the index itself as a link out of the folder", async () => {
    await rename(join(folder, INDEX), `${folder}-index.json`);
    await symlink(`${folder}-index.json`, join(folder, INDEX));
    await expect(openSafetensorsFolder(folder)).rejects.toThrow("outside of the model's folder");
  });

  it("follows an index that a person names wherever it leads, and finds the shards there", async () => {
    const mine = `${folder}-mine`;
    await mkdir(mine);
    await symlink(join(folder, INDEX), join(mine, INDEX));
    const openMine = async (): Promise<number> => {
      const file = await openShardedSafetensors(join(mine, INDEX));
      await file.close();
      return file.entries.size;
    };
    expect(await openMine()).toBe(tensors.length);
    const shards = (await readdir(folder)).filter((name) => name !== INDEX);
    for (const shard of shards) await symlink(join(folder, shard), join(mine, shard));
    expect(await openMine()).toBe(tensors.length);
    await expect(openSafetensorsFolder(mine)).rejects.toThrow("outside of the model's folder");
  });

  it("follows links inside the folder, and those of Hugging Face's cache to its blobs", async () => {
    const cache = `${folder}-cache`;
    const snapshot = join(cache, "models--owner--name/snapshots/0123");
    await mkdir(join(cache, "models--owner--name/blobs"), { recursive: true });
    await mkdir(snapshot, { recursive: true });
    for (const name of await readdir(folder)) {
      await rename(join(folder, name), join(cache, "models--owner--name/blobs", `blob-${name}`));
      await symlink(`../../blobs/blob-${name}`, join(snapshot, name));
      await mkdir(join(snapshot, "sub"), { recursive: true });
      await symlink(`../../../blobs/blob-${name}`, join(snapshot, "sub", name));
    }
    for (const place of [snapshot, join(snapshot, "sub")]) {
      const file = await openSafetensorsFolder(place);
      expect(file.entries.size).toBe(tensors.length);
      await file.close();
    }
  });

  it.each<[string, string, string]>([
    ["that is no JSON", "{", "it is not valid JSON"],
    ["that is null", "null", "must be a JSON object with a weight_map"],
    ["without a weight_map", "{}", "must be a JSON object with a weight_map"],
    ["whose weight_map is a list", index([]), "must be a JSON object with a weight_map"],
    ["whose shard is a number", index({ w: 1 }), 'the shard of "w" must be text, not 1'],
    ["with a tensor twice", '{"weight_map":{"w":"a","w":"b"}}', 'it names "w" twice'],
  ])("refuses an index %s", async (_, text, message) => {
    await writeFile(join(folder, INDEX), text);
    await expect(open()).rejects.toThrow(ShardIndexError);
    await expect(open()).rejects.toThrow(message);
  });
});

describe.skipIf(process.platform === "win32")("a model in one file", () => {
  const file = (): string => join(folder, "model.safetensors");
  beforeEach(async () => {
    await writeSafetensorsFolder(folder, tensors);
    await rename(file(), `${folder}.safetensors`);
  });

  it.each<[string, () => Promise<unknown>, string]>([
    ["a link out of the folder", () => symlink(`${folder}.safetensors`, file()), "outside of the model's folder"],
    ["a link to a device", () => symlink("/dev/zero", file()), "outside of the model's folder"],
    ["a link to itself", () => symlink(file(), file()), "its links lead in a circle"],
    ["a link to nothing", () => symlink("nothing", file()), "it does not exist"],
    ["a link to a folder", () => mkdir(join(folder, "sub")).then(() => symlink("sub", file())), "it is a folder"],
    ["a pipe", async () => execFileSync("/usr/bin/env", ["mkfifo", file()]), "it is not a regular file"],
  ])("that is %s is refused at once", async (_, make, problem) => {
    await make();
    await expect(openSafetensorsFolder(folder)).rejects.toThrow(ReadError);
    await expect(openSafetensorsFolder(folder)).rejects.toThrow(problem);
  });

  it("may be a link within a folder that is a link itself, and any file that is named", async () => {
    await rename(`${folder}.safetensors`, join(folder, "weights"));
    await symlink("weights", file());
    await symlink(folder, `${folder}-link`);
    await symlink(file(), `${folder}.safetensors`);
    for (const open of [openSafetensorsFolder(`${folder}-link`), openSafetensorsFile(`${folder}.safetensors`)]) {
      expect((await open).entries.size).toBe(tensors.length);
      await (await open).close();
    }
  });
});

it("a model may lie at the root of a drive", async () => {
  await mkdir(folder);
  const [name = ""] = relative("/", await realpath(folder)).split(sep);
  expect(await fileInFolder("/", name)).toBe(join("/", name));
});

describe("a folder without safetensors", () => {
  it("says so", async () => {
    await mkdir(folder);
    await expect(openSafetensorsFolder(folder)).rejects.toThrow(ReadError);
    await expect(openSafetensorsFolder(folder)).rejects.toThrow(
      "neither model.safetensors nor model.safetensors.index",
    );
  });

  it.each(["pickle-zip.bin", "pickle-legacy.bin"])("but with a pickle says how to convert it: %s", async (pickle) => {
    await mkdir(folder);
    await cp(join(fixtures, pickle), join(folder, "pytorch_model-00001-of-00002.bin"));
    await expect(openSafetensorsFolder(folder)).rejects.toThrow(WrongFormatError);
    await expect(openSafetensorsFolder(folder)).rejects.toThrow("save_pretrained(newFolder) writes safetensors");
    await expect(openSafetensorsFile(join(fixtures, pickle))).rejects.toThrow(/pickle.*, not safetensors\. It is not/);
  });
});
