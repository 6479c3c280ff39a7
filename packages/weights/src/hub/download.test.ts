import { randomBytes } from "node:crypto";
import { lstat, mkdir, mkdtemp, readdir, readFile, readlink, rm, utimes, writeFile } from "node:fs/promises";
import { hostname, tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { WriteError, WrongFormatError } from "../errors.ts";
import { openSafetensorsFolder } from "../safetensors/folder.ts";
import {
  COMMIT,
  cutAfter,
  etagOf,
  type FakeHub,
  fakeHub,
  sendFile,
  sendJson,
  sendStatus,
  type Trick,
} from "../testing/fake-hub.ts";
import { type DownloadOptions, downloadFromHub, type HubProgress } from "./download.ts";
import { HubError, type HubErrorReason } from "./errors.ts";

/** The pauses between attempts, which tests do not wait for. */
const pauses: number[] = [];
vi.mock("node:timers/promises", () => ({
  setTimeout: async (milliseconds: number) => {
    pauses.push(milliseconds);
  },
}));

let withoutLinks = false;
let readOnly = false;
vi.mock("node:fs/promises", async (original) => {
  const real = await original<typeof import("node:fs/promises")>();
  const symlink: typeof real.symlink = (...link) =>
    withoutLinks ? Promise.reject(Object.assign(new Error("no links"), { code: "EPERM" })) : real.symlink(...link);
  const forbidden = (path: unknown): boolean => readOnly && String(path).includes("models--");
  const refuse = (): Promise<never> => Promise.reject(Object.assign(new Error("read-only"), { code: "EROFS" }));
  const open: typeof real.open = (...file) => (forbidden(file[0]) && file[1] !== "r" ? refuse() : real.open(...file));
  return { ...real, symlink, open };
});

const weights = Buffer.from(randomBytes(300_000));
const weightsFile = { bytes: weights, lfs: true };
const config = Buffer.from('{"model_type":"tiny"}');
const sha256 = etagOf(weightsFile);
const RESOLVE = `/owner/name/resolve/${COMMIT}`;

let hub: FakeHub;
let cache: string;
let repository: string;
let blobs: string;
const download = (options: DownloadOptions = {}): Promise<string> =>
  downloadFromHub("owner/name", { endpoint: hub.endpoint, cacheFolder: cache, token: false, ...options });

beforeEach(async () => {
  for (const name of Object.keys(process.env))
    if (/^(HF_|TRANSFORMERS_OFFLINE)/.test(name)) vi.stubEnv(name, undefined);
  vi.stubEnv("HF_HOME", await mkdtemp(join(tmpdir(), "hf-home-")));
  cache = await mkdtemp(join(tmpdir(), "hub-"));
  repository = join(cache, "models--owner--name");
  blobs = join(repository, "blobs");
  hub = await fakeHub();
  hub.files.set("config.json", { bytes: config, lfs: false });
  hub.files.set("model.safetensors", weightsFile);
  hub.files.set("sub/empty.json", { bytes: Buffer.alloc(0), lfs: false });
  hub.files.set("pytorch_model.bin", { bytes: Buffer.from("pickle"), lfs: true });
  pauses.length = 0;
});
afterEach(async () => {
  await hub.close();
  const folders = [process.env.HF_HOME ?? "", cache, `${cache}-2`];
  vi.unstubAllEnvs();
  withoutLinks = false;
  readOnly = false;
  for (const folder of folders) await rm(folder, { recursive: true, force: true });
});

async function expectReason(reason: HubErrorReason, downloading: Promise<unknown>, message: string): Promise<void> {
  const error = await downloading.catch((error: unknown) => error);
  expect(error).toBeInstanceOf(HubError);
  expect((error as HubError).message).toContain(message);
  expect((error as HubError).reason).toBe(reason);
}

async function expectWhole(): Promise<void> {
  const snapshot = join(repository, "snapshots", COMMIT);
  expect((await readFile(join(snapshot, "model.safetensors"))).equals(weights)).toBe(true);
  expect(await readFile(join(snapshot, "config.json"), "utf8")).toBe(config.toString());
  expect((await readdir(blobs)).filter((name) => name.includes("incomplete"))).toEqual([]);
}

/** The parts of the weights that came, by what the server was asked for. */
const weightsRequests = (): string[] =>
  hub.requests.filter((request) => request.includes("model.safetensors")).map((request) => request.split(" ")[1] ?? "");
const onlyWeights = { files: ["*.safetensors"] };
const range = (start: number, end = weights.length): Record<string, string> => ({
  "content-range": `bytes ${start}-${end - 1}/${end}`,
});

describe("downloadFromHub", () => {
  it("lays the cache out as Hugging Face does, and fetches what a model needs", async () => {
    const progress: HubProgress[] = [];
    const snapshot = await download({ onProgress: (now) => progress.push(now) });
    expect(snapshot).toBe(join(repository, "snapshots", COMMIT));
    expect(await readFile(join(repository, "refs/main"), "utf8")).toBe(COMMIT);
    expect((await readdir(snapshot)).sort()).toEqual(["config.json", "model.safetensors"]);
    expect(await readlink(join(snapshot, "model.safetensors"))).toBe(`../../blobs/${sha256}`);
    await expectWhole();
    const total = weights.length + config.length;
    expect(progress.at(-1)).toMatchObject({ loaded: total, total });
    const ofWeights = progress.filter(({ file }) => file === "model.safetensors");
    expect(ofWeights[0]?.fileLoaded).toBe(0);
    expect(ofWeights.at(-1)).toMatchObject({ fileLoaded: weights.length, fileTotal: weights.length });
  });

  it("fetches nothing twice, and asks nothing about a commit that it has", async () => {
    await download();
    hub.requests.length = 0;
    await download();
    expect(hub.requests).toEqual(["/api/models/owner/name/revision/main"]);
    await download({ revision: COMMIT });
    expect(hub.requests).toHaveLength(1);
  });

  it("keeps what two commits share, and the older one's files", async () => {
    const first = await download();
    hub.commit = "beef".padEnd(40, "0");
    hub.files.set("config.json", { bytes: Buffer.from("{}"), lfs: false });
    hub.requests.length = 0;
    const second = await download();
    expect(hub.requests.filter((request) => request.includes("resolve"))).toEqual([
      `/owner/name/resolve/${hub.commit}/config.json`,
    ]);
    expect(await readFile(join(second, "config.json"), "utf8")).toBe("{}");
    expect(await readFile(join(first, "config.json"), "utf8")).toBe(config.toString());
    expect(await readFile(join(repository, "refs/main"), "utf8")).toBe(hub.commit);
  });

  it("fetches what the patterns match, and says what there is where they match nothing", async () => {
    const snapshot = await download({ files: ["pytorch_*"] });
    expect(await readdir(snapshot)).toEqual(["pytorch_model.bin"]);
    await download({ files: ["sub/*"] });
    expect(await readlink(join(snapshot, "sub/empty.json"))).toBe(
      "../../../blobs/e69de29bb2d1d6434b8b29ae775ad8c2e48c5391", // git's hash of nothing
    );
    await expectReason(
      "not-found",
      download({ files: ["*.gguf"] }),
      "None of the 4 files of owner/name matches *.gguf",
    );
    await expectReason("not-found", download({ files: ["*.gguf"] }), "config.json, model.safetensors");
  });

  it("reads a list of files in pages", async () => {
    hub.apiTricks.push(
      () => false,
      (_, response) => {
        response.setHeader("link", `<${hub.endpoint}/api/models/owner/name/tree/${COMMIT}?cursor=2>; rel="next"`);
        sendJson(response, []);
        return true;
      },
    );
    await download();
    await expectWhole();
  });

  it("gives up on a list of files that does not end", async () => {
    const another: Trick = (_, response) => {
      response.setHeader("link", `</api/models/owner/name/tree/${COMMIT}?cursor=${hub.requests.length}>; rel="next"`);
      return sendJson(response, []) !== undefined;
    };
    hub.apiTricks.push(() => false, ...Array.from({ length: 500 }, () => another));
    await expectReason("response", download(), "does not end");
  });

  it("copies where the system has no links", async () => {
    withoutLinks = true;
    const snapshot = await download();
    expect((await lstat(join(snapshot, "model.safetensors"))).isSymbolicLink()).toBe(false);
    await expectWhole();
    hub.requests.length = 0;
    await download({ revision: COMMIT });
    expect(hub.requests).toEqual([]);
  });

  it("lets two downloads run at once", async () => {
    await Promise.all([download(), download()]);
    await expectWhole();
  });

  it("uses what a cache has that may not be written to", async () => {
    const snapshot = await download();
    await rm(join(repository, "trees"), { recursive: true });
    await rm(join(repository, "refs"), { recursive: true });
    readOnly = true;
    expect(await download()).toBe(snapshot);
    await rm(join(blobs, sha256));
    await expect(download()).rejects.toThrow(WriteError);
  });

  it.each<[string, string, object]>([
    ["a path out of the cache", "../../../../../stolen.json", {}],
    ["a blob out of the cache", "config.json", { blob_id: "../../../../stolen" }],
    ["a hash that is none", "config.json", { lfs_sha256: "../../../../stolen" }],
    ["a size that is none", "config.json", { size: "9" }],
  ])("does not trust %s that somebody wrote into its list of files", async (_, path, wrong) => {
    await download();
    const list = join(repository, "trees", `${COMMIT}.json`);
    const right = await readFile(list, "utf8");
    const entry = { size: 2, blob_id: "a".repeat(40), ...wrong };
    await writeFile(list, JSON.stringify({ format_version: 1, files: { [path]: entry } }));
    await download();
    expect(await readFile(list, "utf8")).toBe(right); // the hub was asked again
    await expectWhole();
  });

  it("says where a cache cannot be", async () => {
    const file = join(cache, "file");
    await writeFile(file, "");
    await expect(download({ cacheFolder: file })).rejects.toThrow(WriteError);
  });
});

describe("without `files`", () => {
  const text = { bytes: Buffer.from("{}"), lfs: false };
  const fixture = new URL("../fixtures/sharded/", import.meta.url);
  const requested = (): string[] => hub.requests.flatMap((path) => path.split(`${RESOLVE}/`).slice(1)).sort();

  /** In place of one file: a model in shards, as transformers wrote it. */
  async function shardModel(): Promise<string[]> {
    hub.files.delete("model.safetensors");
    const names = (await readdir(fixture)).filter((name) => name.startsWith("model"));
    for (const name of names) hub.files.set(name, { bytes: await readFile(new URL(name, fixture)), lfs: false });
    return names.sort();
  }

  it("takes what describes a model and its tokenizer, and one copy of its weights", async () => {
    const texts = ["tokenizer.json", "vocab.bpe", "merges.txt", "spiece.model", "chat_template.jinja"];
    const others = ["consolidated.safetensors", "original/consolidated.00.pth", "onnx/model.onnx", "onnx/config.json"];
    const left = ["trainer_state.json", "all_results.json", "requirements.txt", "LICENSE.txt"];
    const foreign = [...left, "pytorch_model.bin.index.json", "tf_model.h5", "model.Q8_0.gguf", "README.md"];
    for (const name of [...texts, ...others, ...foreign]) {
      hub.files.set(name, { bytes: Buffer.from(name), lfs: false }); // what is the same is fetched once
    }
    await download();
    expect(requested()).toEqual([...texts, "config.json", "model.safetensors"].sort());
  });

  it("takes the shards that the index names, and counts them all from the beginning", async () => {
    const names = await shardModel();
    hub.files.set("model-00001-of-00009.safetensors", weightsFile); // of an older upload
    const totals = new Set<number>();
    const snapshot = await download({ onProgress: ({ total }) => totals.add(total) });
    expect((await readdir(snapshot)).sort()).toEqual(["config.json", ...names]);
    expect(requested()).toEqual(["config.json", ...names]);
    const sizes = names.map((name) => hub.files.get(name)?.bytes.length as number);
    expect([...totals]).toEqual([sizes.reduce((sum, size) => sum + size, config.length)]);
    const file = await openSafetensorsFolder(snapshot);
    expect(file.entries.size).toBeGreaterThan(0);
    await file.close();
  });

  it("gives a model in shards from the cache once all of them are there", async () => {
    const names = await shardModel();
    const [shard = ""] = names;
    await download({ files: ["config.json"] });
    await expectReason("offline", download({ offline: true }), "not wholly");
    const snapshot = await download();
    expect(await download({ offline: true })).toBe(snapshot);
    await rm(join(repository, "trees"), { recursive: true }); // as Python leaves it
    expect(await download({ offline: true })).toBe(snapshot);
    await rm(join(snapshot, shard));
    await expectReason("offline", download({ offline: true }), "not wholly");
  });

  it("says which shard a repository lacks before any is fetched", async () => {
    const [shard = ""] = await shardModel();
    hub.files.delete(shard);
    await expectReason("not-found", download(), `names "${shard}", and there is no such file`);
    expect(requested()).toEqual(["model.safetensors.index.json"]);
  });

  it("takes an adapter where there is no model", async () => {
    hub.files.delete("model.safetensors");
    hub.files.set("adapter_config.json", text).set("adapter_model.safetensors", weightsFile);
    await download();
    expect(requested()).toEqual(["adapter_config.json", "adapter_model.safetensors", "config.json"]);
  });

  it("takes the tokenizer of a repository that has nothing else", async () => {
    hub.files.clear();
    hub.files.set("tokenizer.json", text);
    expect(await readdir(await download())).toEqual(["tokenizer.json"]);
    hub.commit = "beef".padEnd(40, "0");
    hub.files.clear();
    hub.files.set("README.md", text);
    await expectReason("not-found", download(), "None of the 1 files of owner/name belongs to a model");
  });

  it.each(["model.onnx", "flax_model.msgpack", "tf_model.h5", "consolidated.safetensors"])(
    "says of a model whose weights nobody here reads what they are: %s",
    async (name) => {
      for (const other of ["model.safetensors", "pytorch_model.bin"]) hub.files.delete(other);
      hub.files.set(name, weightsFile);
      await expectReason("not-found", download(), `no model.safetensors.index.json; its weights are ${name}.`);
      expect(requested()).toEqual([]);
    },
  );

  it.each(["pytorch_model.bin", "pytorch_model-00001-of-00002.bin", "consolidated.00.pth", "model.pt"])(
    "refuses a model with nothing but a pickle, before it is fetched: %s",
    async (name) => {
      hub.files.delete("model.safetensors");
      hub.files.delete("pytorch_model.bin");
      hub.files.set(name, weightsFile);
      const error = await download().catch((error: unknown) => error);
      expect(error).toBeInstanceOf(WrongFormatError);
      expect(String(error)).toContain(`owner/name/${name} is a PyTorch pickle, not safetensors. It is not opened`);
      expect(String(error)).toContain("save_pretrained(newFolder) writes safetensors");
      await expect(download({ offline: true })).rejects.toThrow(HubError); // nothing is in the cache
      expect(requested()).toEqual([]);
    },
  );

  it("finds the safetensors that somebody added to a model of pickles", async () => {
    hub.files.delete("model.safetensors");
    await expect(download()).rejects.toThrow(WrongFormatError);
    await download({ files: ["pytorch_model.bin", "config.json"] });
    await expect(download({ offline: true })).rejects.toThrow(WrongFormatError);
    hub.commit = "beef".padEnd(40, "0");
    hub.files.set("model.safetensors", weightsFile);
    expect((await readdir(await download())).sort()).toEqual(["config.json", "model.safetensors"]);
  });

  it("names the GGUF files of a model that has no others", async () => {
    hub.files.delete("model.safetensors");
    hub.files.set("tiny.Q4_K_M.gguf", weightsFile).set("tiny.Q8_0.gguf", weightsFile);
    const message = "owner/name has its weights as GGUF only: tiny.Q4_K_M.gguf, tiny.Q8_0.gguf.";
    await expectReason("not-found", download(), message);
    await expectReason("not-found", download(), 'loadModel("owner/name/tiny.Q8_0.gguf")');
    expect(requested()).toEqual([]);
  });
});

describe("a connection that is cut", () => {
  it("is taken up where it ended", async () => {
    hub.fileTricks.push(cutAfter(weights.subarray(0, 100_000), weights.length));
    await download(onlyWeights);
    expect(weightsRequests()).toEqual(["", "bytes=100000-"]);
    expect((await readFile(join(blobs, sha256))).equals(weights)).toBe(true);
  });

  it("may be cut any number of times as long as something comes", async () => {
    for (let at = 0; at < 270_000; at += 30_000) {
      const part = weights.subarray(at, at + 30_000);
      hub.fileTricks.push(cutAfter(part, weights.length - at, at === 0 ? {} : range(at)));
    }
    await download(onlyWeights);
    expect(weightsRequests()).toHaveLength(10);
    expect(Math.max(...pauses)).toBe(500);
  });

  it("is given up after five attempts without a byte, and taken up by the next download", async () => {
    hub.fileTricks.push(cutAfter(weights.subarray(0, 100_000), weights.length));
    const cut: Trick = (_, response) => {
      response.destroy();
      return true;
    };
    hub.fileTricks.push(cut, cut, cut, cut, cut);
    await expectReason("connection", download(onlyWeights), "Cannot fetch model.safetensors");
    expect(pauses).toEqual([500, 1000, 2000, 4000]);
    expect(await readdir(blobs)).toEqual([`${sha256}.tessera.incomplete`]);
    hub.fileTricks.length = 0;
    hub.requests.length = 0;
    await download(onlyWeights);
    expect(weightsRequests()).toEqual(["bytes=100000-"]);
    expect(await readdir(blobs)).toEqual([sha256]);
  });

  it("by the caller keeps what came, and rejects with the caller's reason", async () => {
    const controller = new AbortController();
    const onProgress = ({ fileLoaded }: HubProgress): void => {
      if (fileLoaded > 0) controller.abort(new RangeError("enough"));
    };
    hub.fileTricks.push((_, response) => {
      response.writeHead(200, { "content-length": weights.length });
      response.write(weights.subarray(0, 50_000)); // and no more
      return true;
    });
    await expect(download({ ...onlyWeights, signal: controller.signal, onProgress })).rejects.toThrow(
      new RangeError("enough"),
    );
    const kept = await readFile(join(blobs, `${sha256}.tessera.incomplete`));
    expect(kept.length).toBeGreaterThan(0);
    await download(onlyWeights);
    expect(weightsRequests()).toEqual(["", `bytes=${kept.length}-`]);
    await expect(download({ signal: AbortSignal.abort(new RangeError("before")) })).rejects.toThrow("before");
  });

  it.each<[string, string, number, boolean]>([
    ["a process that was killed", `${2 ** 30}-00000000@${hostname()}.incomplete`, 0, true],
    ["a process that is at it", `${process.ppid}-00000000@${hostname()}.incomplete`, 9999, false],
    ["another machine", `1-00000000@else.where.incomplete`, 60, false],
    ["another machine, long ago", `1-00000000@else.where.incomplete`, 9999, true],
    ["an older Python client", "incomplete", 60, false],
    ["an older Python client, long ago", "incomplete", 9999, true],
    ["a Python client, which takes its own away", "deadbeef.incomplete", 9999, false],
  ])("leaves a part of %s (%s, %i s ago): taken over is %s", async (_, name, secondsAgo, taken) => {
    await mkdir(blobs, { recursive: true });
    const part = join(blobs, `${sha256}.${name}`);
    await writeFile(part, weights.subarray(0, 1000));
    await utimes(part, new Date(), new Date(Date.now() - 1000 * secondsAgo));
    await download(onlyWeights);
    expect(weightsRequests()).toEqual([taken ? "bytes=1000-" : ""]);
    expect((await readdir(blobs)).sort()).toEqual(taken ? [sha256] : [sha256, `${sha256}.${name}`]);
  });
});

describe("a server that", () => {
  it.each<[string, Trick]>([
    ["ignores the range", (_, response) => response.writeHead(200).end(weights) !== undefined],
    ["gives another range", (_, response) => response.writeHead(206, range(5)).end(weights.subarray(5)) !== undefined],
    ["gives a part without saying which", (_, response) => response.writeHead(206).end(weights) !== undefined],
    ["does not like the range", sendStatus(416)],
  ])("%s makes the download begin anew", async (_, trick) => {
    hub.fileTricks.push(cutAfter(weights.subarray(0, 100_000), weights.length), trick);
    await download(onlyWeights);
    expect((await readFile(join(blobs, sha256))).equals(weights)).toBe(true);
  });

  it("ignores ranges and is cut every time is given up, though bytes come", async () => {
    const cut = cutAfter(weights.subarray(0, 100_000), weights.length);
    hub.fileTricks.push(...Array.from({ length: 50 }, () => cut));
    await expectReason("connection", download(onlyWeights), "Cannot fetch model.safetensors");
    expect(weightsRequests().length).toBeLessThan(10);
  });

  it("announces more than it has is asked for the rest", async () => {
    hub.fileTricks.push(cutAfter(weights.subarray(0, 1000), weights.length + 500));
    await download(onlyWeights);
    expect(weightsRequests()).toEqual(["", "bytes=1000-"]);
  });

  it("announces less than it has is asked for the rest", async () => {
    hub.fileTricks.push((_, response) => response.writeHead(200).end(weights.subarray(0, 1000)) !== undefined);
    await download(onlyWeights);
    expect((await readFile(join(blobs, sha256))).equals(weights)).toBe(true);
  });

  it.each<[string, Buffer]>([
    ["sends more than the file has", Buffer.concat([weights, Buffer.from("x")])],
    ["sends other bytes", Buffer.alloc(weights.length)],
  ])("%s is found out, and nothing of it stays", async (_, bytes) => {
    hub.fileTricks.push(sendFile(bytes));
    await expectReason("checksum", download(onlyWeights), "model.safetensors");
    expect(await readdir(blobs)).toEqual([]);
    await expect(readdir(join(repository, "snapshots"))).rejects.toThrow("ENOENT");
    await download(onlyWeights);
    expect(await readdir(blobs)).toEqual([sha256]);
  });

  it("sends another config.json, which git's hash tells", async () => {
    hub.fileTricks.push(sendFile(Buffer.alloc(config.length)));
    await expectReason("checksum", download({ files: ["config.json"] }), "config.json came with the hash");
  });

  it("went on from a part that was wrong is asked for the whole", async () => {
    await mkdir(blobs, { recursive: true });
    await writeFile(join(blobs, `${sha256}.tessera.incomplete`), Buffer.alloc(1000));
    await download(onlyWeights);
    expect(weightsRequests()).toEqual(["bytes=1000-", ""]);
    expect((await readFile(join(blobs, sha256))).equals(weights)).toBe(true);
  });

  it("has less than a part that was kept is asked for the whole", async () => {
    await mkdir(blobs, { recursive: true });
    await writeFile(join(blobs, `${sha256}.tessera.incomplete`), Buffer.alloc(weights.length + 1));
    await download(onlyWeights);
    expect(weightsRequests()).toEqual([""]);
  });

  it("fails for a moment is asked again, when it says", async () => {
    hub.apiTricks.push(sendStatus(500), sendStatus(429, { "retry-after": "7" }));
    hub.fileTricks.push(sendStatus(503), sendStatus(504));
    await download(onlyWeights);
    expect(pauses).toEqual([500, 7000, 500, 1000]);
  });

  it("is silent is given up", async () => {
    vi.stubEnv("HF_HUB_DOWNLOAD_TIMEOUT", "0.1");
    const silent: Trick = () => true;
    hub.apiTricks.push(silent, silent, silent, silent, silent);
    await expectReason("connection", download(), "the server fell silent (attempts: 5)");
    const halfSilent: Trick = (_, response) => response.writeHead(200).write(weights.subarray(0, 9)) !== undefined;
    hub.fileTricks.push(halfSilent);
    vi.stubEnv("HF_HUB_DOWNLOAD_TIMEOUT", "0.5");
    await download(onlyWeights);
    expect(weightsRequests().slice(0, 2)).toEqual(["", "bytes=9-"]); // a busy machine may be silent too
  });

  it("is slow is waited for as long as something comes now and then", async () => {
    vi.stubEnv("HF_HUB_DOWNLOAD_TIMEOUT", "1");
    hub.fileTricks.push((_, response) => {
      response.writeHead(200, { "content-length": weights.length });
      let sent = 0;
      const trickle = setInterval(() => {
        response.write(weights.subarray(sent, sent + 60_000));
        sent += 60_000;
        if (sent >= weights.length) clearInterval(trickle);
      }, 250);
      return true;
    });
    await download(onlyWeights);
    expect(weightsRequests()).toEqual([""]);
  });

  it("redirects to another host gets no token there", async () => {
    const other = await fakeHub();
    other.files.set("model.safetensors", weightsFile);
    const signed = `${other.endpoint.replace("127.0.0.1", "localhost")}${RESOLVE}/model.safetensors`;
    hub.fileTricks.push(sendStatus(307, { location: `${RESOLVE}/model.safetensors?again` }), (_, response) => {
      response.writeHead(302, { location: signed, "x-linked-etag": `"${sha256}"` }).end();
      return true;
    });
    await download({ ...onlyWeights, token: "hf_secret" });
    expect(other.requests).toHaveLength(1);
    expect(other.tokens).toEqual([undefined]);
    expect(new Set(hub.tokens)).toEqual(new Set(["Bearer hf_secret"]));
    await other.close();
  });

  it.each([["/loop"], ["ftp://127.0.0.1/file"], ["http://"]])("redirects to %s is refused", async (location) => {
    hub.fileTricks.push(...Array.from({ length: 20 }, () => sendStatus(302, { location })));
    await expectReason("response", download(onlyWeights), "leads from one address to the next, and to no file");
  });

  it.each<[string, unknown]>([
    ["a path out of the cache", { path: "../../evil.json", size: 1, oid: COMMIT }],
    ["an absolute path", { path: "/evil.json", size: 1, oid: COMMIT }],
    ["a path of Windows", { path: "C:\\evil.json", size: 1, oid: COMMIT }],
    ["a hash that is a path", { path: "a.json", size: 1, oid: "../../../../../../../../../../tmp/evil12345" }],
    ["an LFS hash that is a path", { path: "a.json", size: 1, oid: COMMIT, lfs: { oid: "../evil", size: 1 } }],
    ["a negative size", { path: "a.json", size: -1, oid: COMMIT }],
    ["a size that is text", { path: "a.json", size: "1", oid: COMMIT }],
  ])("lists %s is refused", async (_, file) => {
    hub.apiTricks.push(
      () => false,
      (_, response) => sendJson(response, [{ type: "file", ...(file as object) }]) !== undefined,
    );
    await expectReason("response", download(), "lists");
    expect(await readdir(cache)).toEqual([]);
  });

  it.each<[string, string, string]>([
    ["no JSON", "<html>", "did not answer with JSON"],
    ["no commit", "null", "names no commit"],
    ["a commit that is a path", '{"sha":"../../evil"}', "names no commit"],
  ])("answers with %s is no hub", async (_, text, message) => {
    hub.apiTricks.push((_, response) => response.end(text) !== undefined);
    await expectReason("response", download(), message);
  });
});

describe("access", () => {
  it.each<[string, Trick, string | false, HubErrorReason, string]>([
    [
      "gated",
      sendStatus(403, { "x-error-code": "GatedRepo" }),
      false,
      "access",
      "accept its terms on its page there, then set HF_TOKEN",
    ],
    [
      "gated for a token",
      sendStatus(403, { "x-error-code": "GatedRepo" }),
      "hf_x",
      "access",
      "then use a token of that account",
    ],
    [
      "private or missing",
      sendStatus(401, { "x-error-code": "RepoNotFound" }),
      false,
      "access",
      "it does not exist, or is private",
    ],
    ["not for this token", sendStatus(401), "hf_x", "access", "the token may not read it"],
    ["missing", sendStatus(404), false, "not-found", "owner/name at main: there is no such thing"],
    ["teapot", sendStatus(418), false, "response", "Is that address a hub?"],
  ])("to what is %s says what to do, and does not try again", async (_, trick, token, reason, message) => {
    hub.apiTricks.push(trick);
    await expectReason(reason, download({ token }), message);
    expect(hub.requests).toHaveLength(1);
  });

  it("uses the token of the variable, or else of the file, and shows it to nobody", async () => {
    await writeFile(join(process.env.HF_HOME ?? "", "token"), "hf_file\n");
    vi.stubEnv("HF_TOKEN", "");
    await download({ token: undefined });
    vi.stubEnv("HF_TOKEN", "hf_variable");
    hub.apiTricks.push(sendStatus(401));
    const error = await download({ token: undefined }).catch((error: unknown) => error);
    expect(hub.tokens[0]).toBe("Bearer hf_file");
    expect(hub.tokens.at(-1)).toBe("Bearer hf_variable");
    expect(String(error)).not.toContain("hf_variable");
    await expectReason("usage", download({ token: "hf_\u0000" }), "characters that no token has");
  });

  it.each([["name/"], ["../name"], ["a/b/c"], ["owner/na--me"], [""], ["owner/..name"]])(
    "to a model called %j is refused",
    async (name) => {
      await expectReason("usage", downloadFromHub(name), 'expected "owner/name"');
    },
  );

  it("to a revision or an endpoint that is none is refused", async () => {
    await expectReason("usage", download({ revision: "../../x" }), "is no branch, tag or commit");
    await expectReason("usage", download({ endpoint: "hub" }), "is no http address");
    await expectReason("usage", download({ files: ["[z-a]"] }), "is no pattern");
  });
});

describe("without a network", () => {
  it("gives what is cached, and says what to do where it is not", async () => {
    await expectReason("offline", download({ offline: true }), "Fetch it once without HF_HUB_OFFLINE");
    const snapshot = await download();
    vi.stubEnv("HF_HUB_OFFLINE", "1");
    expect(await download()).toBe(snapshot);
    expect(await download({ revision: COMMIT })).toBe(snapshot);
    await expectReason("offline", download({ files: ["*"] }), "is not, or not wholly, in the cache");
    await expectReason("offline", download({ revision: "other" }), "owner/name at other");
  });

  it("gives what Python fetched, whose list of files may be missing", async () => {
    const snapshot = join(repository, "snapshots", COMMIT);
    await mkdir(snapshot, { recursive: true });
    await mkdir(join(repository, "refs"));
    await writeFile(join(repository, "refs/main"), COMMIT);
    await expectReason("offline", download({ offline: true }), "not wholly");
    await writeFile(join(snapshot, "config.json"), "{}");
    await writeFile(join(snapshot, "model.safetensors"), "");
    expect(await download({ offline: true })).toBe(snapshot);
  });

  it("does not take the configuration and the tokenizer, which Python fetched alone, for the model", async () => {
    const snapshot = join(repository, "snapshots", COMMIT);
    await mkdir(snapshot, { recursive: true });
    await mkdir(join(repository, "refs"));
    await writeFile(join(repository, "refs/main"), COMMIT);
    for (const name of ["config.json", "tokenizer.json"]) await writeFile(join(snapshot, name), "{}");
    await expectReason("offline", download({ offline: true }), "not wholly");
    expect(await download({ offline: true, files: ["tokenizer.json"] })).toBe(snapshot);
    await hub.close();
    await expectReason("connection", download(), "Check the network and try again");
  });

  it("gives what is cached when the hub does not answer", async () => {
    const snapshot = await download();
    await hub.close();
    expect(await download()).toBe(snapshot);
    expect(pauses).toEqual([]); // somebody is waiting
    await expectReason("connection", download({ cacheFolder: `${cache}-2` }), "Check the network and try again");
  });
});

it("finds the cache where the variables say", async () => {
  const { endpoint } = hub;
  const home = process.env.HF_HOME ?? "";
  expect(await downloadFromHub("owner/name", { endpoint })).toBe(
    join(home, "hub/models--owner--name/snapshots", COMMIT),
  );
  vi.stubEnv("HF_HUB_CACHE", cache);
  vi.stubEnv("HF_ENDPOINT", `${endpoint}/`);
  expect(await downloadFromHub("owner/name")).toBe(join(repository, "snapshots", COMMIT));
});
