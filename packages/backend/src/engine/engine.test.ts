import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import {
  backend,
  engine,
  fill,
  memory,
  ones,
  removeBackend,
  type Tensor,
  tensor,
  tensor1d,
  tensor2d,
  tidy,
  unsortedSegmentSum,
} from "@tensorflow/tfjs";
import { gelu } from "@tessera-lm/ops";
import { afterEach, describe, expect, it } from "vitest";
import { EngineError, EngineMemoryError, useBackend } from "../index.ts";
import { engines, hasAddon } from "../testing/engines.ts";
import type { EngineBackend } from "./backend.ts";

describe.each(engines)("%s", (name) => {
  const current = async (): Promise<EngineBackend> => {
    expect((await useBackend(name)).name).toBe(name);
    return backend() as EngineBackend;
  };
  afterEach(() => engine().disposeVariables());

  it("gives back what was written, of every type", async () => {
    await current();
    expect(await tensor1d([1.5, -2, Number.NaN]).data()).toEqual(Float32Array.of(1.5, -2, Number.NaN));
    expect(await tensor1d([1, -2], "int32").data()).toEqual(Int32Array.of(1, -2));
    expect(await tensor1d([true, false]).data()).toEqual(Uint8Array.of(1, 0));
    expect(await tensor1d(["a", "ü"]).data()).toEqual(["a", "ü"]);
    expect(await tensor([], [0, 3]).data()).toEqual(new Float32Array(0));
    const large = Float32Array.from({ length: 100_000 }, (_, i) => i);
    expect(tensor1d(large).dataSync()).toEqual(large);
  });

  it("reads a tensor as it was when it was asked for", async () => {
    const engine = await current();
    const x = tensor1d([1, 2, 3, 4]);
    const y = tensor1d([5, 6, 7, 8]);
    const before = x.data();
    engine.run("copy", ...inBytes(engine, x.dataId), ...inBytes(engine, y.dataId));
    const after = x.data();
    x.dispose();
    tensor1d([9, 9, 9, 9]);
    expect(await before).toEqual(Float32Array.of(1, 2, 3, 4));
    expect(await after).toEqual(Float32Array.of(5, 6, 7, 8));
  });

  it("keeps what a stock kernel returns apart from the memory that it was cut from", async () => {
    await current();
    const x = tensor2d([1, 2, 3, 4], [2, 2]);
    const row = x.slice([1, 0], [1, 2]);
    x.dispose();
    tensor2d([9, 9, 9, 9], [2, 2]);
    expect(await row.data()).toEqual(Float32Array.of(3, 4));
  });

  it("writes nothing into memory that queued commands still read", async () => {
    await current();
    const size = 2 ** 20;
    const x = tensor1d(Float32Array.from({ length: size }, (_, i) => Math.sin(i)));
    const results = Array.from({ length: 20 }, () => gelu(x));
    x.dispose();
    const inItsPlace = tensor1d(new Float32Array(size).fill(7));
    const read = async (i: number) => Buffer.from((await (results.at(i) as Tensor).data()).buffer);
    expect((await read(-1)).equals(await read(0))).toBe(true);
    for (const tensor of [inItsPlace, ...results]) tensor.dispose();
  });

  it("takes tensors over from another backend, and gives them back", async () => {
    await useBackend("cpu");
    const x = tensor2d([1, 2, 3, 4], [2, 2]);
    await current();
    const y = x.matMul(x);
    await useBackend("cpu");
    expect(await y.add(x).data()).toEqual(Float32Array.of(8, 12, 18, 26));
  });

  it("reports a failed command as an error where a result is asked for, and works on", async () => {
    const engine = await current();
    const x = tensor1d([1, 2, 3, 4]);
    const failing = async () => {
      engine.run("copy", ...inBytes(engine, x.dataId), 0, 0);
      await x.data();
    };
    await expect(failing()).rejects.toThrow(EngineError);
    await expect(failing()).rejects.toThrow(/could not compute copy: /);
    expect(await x.data()).toEqual(Float32Array.of(1, 2, 3, 4));
  });

  it("leaves out what stands behind a failed command until its failure has been thrown", async () => {
    const engine = await current();
    const x = tensor1d([1, 2, 3, 4]);
    const y = tensor1d([5, 6, 7, 8]);
    const reads: Promise<unknown>[] = [];
    const failure = await (async () => {
      engine.run("copy", ...inBytes(engine, x.dataId), 0, 0);
      reads.push(x.data(), y.data());
      engine.run("copy", ...inBytes(engine, x.dataId), ...inBytes(engine, y.dataId));
      await Promise.all(reads);
    })().catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(EngineError);
    await Promise.allSettled(reads);
    expect(await x.data()).toEqual(Float32Array.of(1, 2, 3, 4));
  });

  it("refuses a tensor that claims to be larger than what was written", async () => {
    const backend = await current();
    const lie = { ...tensor1d([1, 2]), shape: [1000] };
    const failure = capture(() => backend.run("copy", lie, lie));
    expect((failure as Error).message).toContain("a tensor of shape (1000) that has only 8 bytes");
  });

  it("frees what a kernel has made before it failed", async () => {
    const backend = await current();
    const before = backend.memory().numBytes;
    const failing = () =>
      backend.attempt(() => {
        backend.output([1000], "float32");
        backend.output([2 ** 24, 2 ** 24], "float32");
      });
    expect(failing).toThrow(EngineMemoryError);
    expect(backend.memory().numBytes).toBe(before);
  });

  it("knows its commands", async () => {
    const engine = await current();
    expect(() => engine.run("kopie")).toThrow('there is no command "kopie"');
  });

  it("refuses what is no shape", async () => {
    const engine = await current();
    expect(() => engine.output([2, Number.NaN], "float32")).toThrow("could not compute a tensor of shape (2, NaN)");
    expect(() => engine.output([2, -1], "float32")).toThrow(EngineError);
  });

  it("refuses to add up rows by ids that are not one for each, and tensors of different sizes", async () => {
    await current();
    const x = tensor2d([1, 2, 3, 4], [2, 2]);
    const ids = tensor1d([0, 1, 1], "int32");
    expect(() => unsortedSegmentSum(x, ids, 2)).toThrow("3 ids for 2 rows");
    expect(() => engine().runKernel("AddN", [x, ids.toFloat()] as never)).toThrow(
      /AddN: 1 must be .* but is float32 \(3\)/,
    );
  });

  it("refuses what does not fit into memory, says how much was asked for, and works on", async () => {
    const engine = await current();
    const x = tensor1d([1, 2]);
    const failure = capture(() => engine.output([2 ** 24, 2 ** 24], "float32"));
    expect(failure).toBeInstanceOf(EngineMemoryError);
    expect((failure as EngineMemoryError).requestedBytes).toBe(2 ** 50);
    expect((failure as Error).message).toContain("a tensor of 1,024 TB: ");
    expect(await x.add(1).data()).toEqual(Float32Array.of(2, 3));
  });

  it.each([
    ["fill", () => fill([1e6, 1e6], 1)],
    ["a product", () => ones([2 ** 23, 1]).matMul(ones([1, 2 ** 23]))],
  ])("leaves nothing behind when %s does not fit", async (_, compute) => {
    await current();
    const { numTensors, numBytes } = memory();
    expect(capture(() => tidy(compute))).toBeInstanceOf(EngineMemoryError);
    expect(memory()).toMatchObject({ numTensors, numBytes });
  });

  it("starts again after it was removed, and still has its tensors", async () => {
    await current();
    const x = tensor1d([1, 2]);
    removeBackend(name);
    await current();
    expect(await x.add(1).data()).toEqual(Float32Array.of(2, 3));
  });

  it("can be removed after a command has failed, and started again", async () => {
    const engine = await current();
    const x = tensor1d([1, 2]);
    capture(() => engine.run("copy", ...inBytes(engine, x.dataId), 0, 0));
    removeBackend(name);
    await current();
    expect(await x.add(1).data()).toEqual(Float32Array.of(2, 3));
  });

  it("frees what is disposed of", async () => {
    const engine = await current();
    const step = () =>
      tidy(() =>
        tensor1d([1, 2, 3])
          .add(1)
          .mul(tensor1d([4, 5, 6]))
          .sum()
          .dataSync(),
      );
    step();
    const before = { ...memory(), ids: engine.numDataIds() };
    for (let i = 0; i < 100; i++) step();
    expect({ ...memory(), ids: engine.numDataIds() }).toEqual(before);
  });
});

describe.skipIf(!hasAddon)("the engine's addon", { timeout: 120_000 }, () => {
  const url = (of: string | URL) => JSON.stringify(String(of));
  const program = (code: string) => `
    import { register } from ${url(import.meta.resolve("tsx/esm/api"))}; register();
    const tf = await import(${url(import.meta.resolve("@tensorflow/tfjs"))});
    const { useBackend } = await import(${url(new URL("../index.ts", import.meta.url))});
    const { name } = await useBackend("tessera");
    if (name !== "tessera") throw new Error(name);
    ${code}`;
  const run = (code: string) => {
    const options = { cwd: fileURLToPath(new URL(".", import.meta.url)), encoding: "utf8", timeout: 60_000 } as const;
    return spawnSync(process.execPath, ["--conditions=@tessera-lm/source", "--input-type=module", "-e", code], options);
  };
  const sum = "console.log(tf.ones([1000]).add(1).sum().dataSync()[0]);";

  it("works in several worker threads at once, which can be ended at any time", () => {
    const worker = url(`data:text/javascript,${encodeURIComponent(program(sum))}`);
    const { stdout, stderr, status } = run(`
      import { Worker } from "node:worker_threads";
      const start = () => new Worker(new URL(${worker}));
      const ended = (worker) => new Promise((resolve) => worker.on("exit", resolve));
      await Promise.all([start(), start(), start()].map(ended));
      const busy = start();
      setTimeout(() => busy.terminate(), 500);
      await ended(busy);`);
    expect({ stderr, status }).toEqual({ stderr: "", status: 0 });
    expect(stdout).toMatch(/^(2000\n){3,4}$/);
  });

  it("lets a program end while commands are queued", () => {
    const queue = "const x = tf.ones([1 << 20]); for (let i = 0; i < 200; i++) x.add(i); process.exit(3);";
    expect(run(program(queue))).toMatchObject({ stderr: "", status: 3 });
  });
});

/** Address and length of a tensor's memory as the two numbers that a command of bytes reads. */
function inBytes(engine: EngineBackend, dataId: object): [address: number, bytes: number] {
  const place = engine.data.get(dataId).place;
  if (place === undefined) throw new Error("the tensor is not in the engine's memory");
  return [place.address, place.bytes];
}

function capture(run: () => unknown): unknown {
  try {
    return run();
  } catch (error) {
    return error;
  }
}
