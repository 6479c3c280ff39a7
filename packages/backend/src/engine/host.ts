/** A range of memory that tensors can be placed in. */
export interface MemoryRange {
  /** The address of its first byte, as commands carry it. */
  readonly start: number;
  readonly bytes: number;
}

/** Where a tensor's bytes can be reached from JavaScript. */
export interface HostBytes {
  readonly buffer: ArrayBuffer;
  readonly byteOffset: number;
}

/**
 * What runs commands: the Node addon, which queues them for a thread of its own, or WebAssembly, which runs them at
 * once. A command is a list of numbers: its position in `commands`, then its arguments.
 */
export interface EngineHost {
  /** What it runs on, in words. */
  readonly description: string;
  /** The names of all commands. */
  readonly commands: readonly string[];
  /** Where the next command is written. Must be asked for anew for each command: the memory can move. */
  words(): Float64Array;
  /**
   * Hands over the command that the first words make.
   * @throws EngineError if the command runs at once and fails
   */
  submit(length: number): void;
  /**
   * Returns when everything submitted has run.
   * @throws EngineError if a command has failed
   */
  drain(): void;
  /**
   * The bytes as they are when everything submitted so far has run.
   * @throws EngineError if a command has failed
   */
  read(address: number, bytes: number): Promise<ArrayBuffer>;
  /**
   * New memory.
   * @returns undefined if there is none left
   */
  reserve(bytes: number): MemoryRange | undefined;
  /** The memory at this address, to be used at once: it can move with the next `reserve`. */
  bytesAt(address: number): HostBytes;
  /** Whether this is a buffer of the engine's memory. */
  owns(buffer: ArrayBufferLike): boolean;
}
