import { Worker } from "node:worker_threads";
import { workerFile } from "../worker-file.ts";
import type { EncodedPart, EncodePartOptions } from "./encode-part.ts";
import type { FilePart } from "./file-parts.ts";

/** A worker that is not needed any more waits for another file so long; meanwhile the process may end. */
const IDLE_MILLISECONDS = 5000;

/** A thread with a tokenizer of its own. */
export class EncodeWorker {
  private readonly worker: Worker;
  private readonly waiting: PromiseWithResolvers[] = [];
  private idle: NodeJS.Timeout | undefined;
  private ended: Error | undefined;

  /** @param json the tokenizer as `tokenizer.json` */
  constructor(json: string) {
    this.worker = new Worker(workerFile(), { workerData: json });
    this.worker.on("message", (encoded: EncodedPart) => this.waiting.shift()?.resolve(encoded));
    this.worker.on("error", (error: Error) => this.fail(error));
    this.worker.on("exit", () => this.fail(new Error("it ended")));
  }

  /** How many parts it has yet to encode. */
  get load(): number {
    return this.waiting.length;
  }

  get isAlive(): boolean {
    return this.ended === undefined;
  }

  /** @throws Error if the thread ends before it has encoded the part */
  encode(part: FilePart, options: EncodePartOptions): Promise<EncodedPart> {
    const encoded = new Promise<EncodedPart>((resolve, reject) => this.waiting.push({ resolve, reject }));
    if (this.ended === undefined) this.worker.postMessage({ part, options }, [part.bytes.buffer]);
    else this.fail(this.ended);
    return encoded;
  }

  wake(): void {
    clearTimeout(this.idle);
    this.worker.ref();
  }

  rest(): void {
    this.worker.unref();
    this.idle = setTimeout(() => this.end(), IDLE_MILLISECONDS).unref();
  }

  async end(): Promise<void> {
    this.ended ??= new Error("it was ended");
    await this.worker.terminate();
  }

  private fail(error: Error): void {
    this.ended ??= error;
    for (const { reject } of this.waiting.splice(0)) reject(this.ended);
  }
}

interface PromiseWithResolvers {
  readonly resolve: (encoded: EncodedPart) => void;
  readonly reject: (error: Error) => void;
}

/** The workers of one tokenizer. A thread starts in a tenth of a second: it serves for many files. */
export class WorkerPool {
  private readonly file: object;
  private json: string | undefined;
  private resting: EncodeWorker[] = [];

  /** @param file what the tokenizer's `tokenizer.json` holds */
  constructor(file: object) {
    this.file = file;
  }

  take(count: number): EncodeWorker[] {
    const rested = this.resting.filter((worker) => worker.isAlive);
    this.resting = rested.slice(count);
    const workers = rested.slice(0, count);
    if (workers.length < count) this.json ??= JSON.stringify(this.file);
    while (workers.length < count) workers.push(new EncodeWorker(this.json as string));
    for (const worker of workers) worker.wake();
    return workers;
  }

  giveBack(workers: readonly EncodeWorker[]): void {
    for (const worker of workers) worker.rest();
    this.resting.push(...workers);
  }
}
