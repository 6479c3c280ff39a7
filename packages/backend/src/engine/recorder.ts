import { EngineError } from "../errors.ts";
import type { EngineHost, HostBytes, MemoryRange } from "./host.ts";

/** Thrown where JavaScript needs a result while commands are recorded, none of which have run. */
export class NotRecordableError extends EngineError {}

/** Passes everything on to another host; while it records, commands are written down instead. */
export class Recorder implements EngineHost {
  readonly #host: EngineHost;
  #recorded: Float64Array[] | undefined;

  constructor(host: EngineHost) {
    this.#host = host;
  }

  get description(): string {
    return this.#host.description;
  }

  get commands(): readonly string[] {
    return this.#host.commands;
  }

  /**
   * The commands that `f` submits, none of which run.
   * @throws NotRecordableError if f waits for a result
   */
  record(f: () => void): readonly Float64Array[] {
    const recorded: Float64Array[] = [];
    this.#recorded = recorded;
    try {
      f();
    } finally {
      this.#recorded = undefined;
    }
    return recorded;
  }

  /** Submits commands again. */
  replay(commands: readonly Float64Array[]): void {
    for (const command of commands) {
      this.#host.words().set(command);
      this.#host.submit(command.length);
    }
  }

  words(): Float64Array {
    return this.#host.words();
  }

  submit(length: number): void {
    if (this.#recorded) this.#recorded.push(this.#host.words().slice(0, length));
    else this.#host.submit(length);
  }

  drain(): void {
    this.requireLive();
    this.#host.drain();
  }

  async read(address: number, bytes: number): Promise<ArrayBuffer> {
    this.requireLive();
    return this.#host.read(address, bytes);
  }

  reserve(bytes: number): MemoryRange | undefined {
    return this.#host.reserve(bytes);
  }

  bytesAt(address: number): HostBytes {
    return this.#host.bytesAt(address);
  }

  owns(buffer: ArrayBufferLike): boolean {
    return this.#host.owns(buffer);
  }

  /** @throws NotRecordableError while it records */
  requireLive(): void {
    if (this.#recorded) throw new NotRecordableError("a result is needed while operations are recorded");
  }
}
