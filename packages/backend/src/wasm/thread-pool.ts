import type { Worker as Thread } from "node:worker_threads";

/** Node's threads, in the shape that the threaded WebAssembly binary expects. */
export interface ThreadPool {
  /** What the binary's start-up code takes for the browser's class of this name. */
  readonly Worker: new () => object;
  /** Settles only if a thread ends or fails while it loads. */
  readonly failure: Promise<unknown>;
}

interface Message {
  readonly cmd: string;
}

/**
 * What a thread runs: the package's own two scripts, from its files. `workerData` is their path without extension.
 */
const threadScript = `
const { parentPort, workerData } = require("node:worker_threads");
const script = require("node:fs").readFileSync(workerData + ".js", "utf8");
Object.assign(globalThis, { require, __filename: workerData });
// The package ships this script with its line ends unescaped in strings, and escapes them before use, as here.
(0, eval)(require(workerData + ".worker.js").wasmWorkerContents.replace(/\\n/g, "\\\\n"));
globalThis.importScripts = () => (0, eval)(script);
parentPort.postMessage({ cmd: "ready" });
`;

/**
 * Starts threads for the wasm backend, whose package is loaded, before it asks for them: once it does, this thread waits and could start none.
 * @returns nothing if they do not start here, which a backend without threads survives
 */
export async function startThreads(count: number): Promise<ThreadPool | undefined> {
  try {
    const { Worker } = process.getBuiltinModule("node:worker_threads");
    const workerData = scriptPath();
    if (workerData === undefined) return undefined;
    const threads = Array.from(
      { length: count },
      () => new Worker(threadScript, { eval: true, workerData, execArgv: [] }),
    );
    await Promise.all(threads.map((thread) => reply(thread, "ready")));
    return threadPool(threads);
  } catch {
    return undefined;
  }
}

/** Beside the copy of the package that is loaded: the same version, wherever it is installed. */
function scriptPath(): string | undefined {
  const { cache } = process.getBuiltinModule("node:module").createRequire(process.execPath);
  const main = Object.keys(cache).find((path) =>
    /tfjs-backend-wasm[\\/]dist[\\/]tf-backend-wasm\.node\.js$/.test(path),
  );
  return main?.replace(/dist[\\/][^\\/]+$/, "wasm-out/tfjs-backend-wasm-threaded-simd");
}

function reply(thread: Thread, cmd: string): Promise<void> {
  return new Promise((resolve, reject) => {
    thread.on("message", (message: Message) => message.cmd === cmd && resolve());
    thread.once("error", reject);
    thread.once("exit", reject);
  });
}

/**
 * The binary makes eight workers, loads all of them, waits for that, and runs something in a few. Here all eight stand
 * for the same few threads: loading one loads the threads, and running one takes a thread that is free.
 */
function threadPool(threads: Thread[]): ThreadPool {
  let fail: (cause: unknown) => void;
  const failure = new Promise<unknown>((resolve) => {
    fail = resolve;
  });
  let loaded: Promise<unknown> | undefined;
  const load = (message: Message) =>
    Promise.all(
      threads.map((thread) => {
        // The script is there already, so its address does not matter.
        thread.postMessage({ ...message, urlOrBlob: "" });
        return reply(thread, "loaded").then(() => thread.unref());
      }),
    );
  const idle = [...threads];

  class PoolWorker {
    onmessage: ((event: { data: Message }) => void) | undefined;
    #thread: Thread | undefined;

    postMessage(message: Message): void {
      if (message.cmd === "load") {
        loaded ??= load(message);
        loaded.then(() => this.onmessage?.({ data: { cmd: "loaded" } }), fail);
        return;
      }
      if (message.cmd === "run") {
        this.#thread = idle.pop();
        this.#thread?.on("message", (data: Message) => this.onmessage?.({ data }));
      }
      this.#thread?.postMessage(message);
    }

    terminate(): void {
      void this.#thread?.terminate();
    }

    // Errors and messages are listened to above, and a waiting thread must not keep the process alive.
    on(): void {}
    ref(): void {}
    unref(): void {}
  }
  return { Worker: PoolWorker, failure };
}
