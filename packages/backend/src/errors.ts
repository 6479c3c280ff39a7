/** A backend of this name is not known. The message lists those that are. */
export class UnknownBackendError extends Error {
  override readonly name = "UnknownBackendError";
  readonly isTesseraError = true;
  readonly backend: string;

  constructor(backend: string, known: readonly string[]) {
    const near = known.find((name) => looksLike(backend, name));
    const hint = near === undefined ? "" : ` Did you mean "${near}"?`;
    super(`There is no backend "${backend}".${hint} Choose one of: ${known.join(", ")}.`);
    this.backend = backend;
  }
}

/** A known backend cannot run here. The message says why and what to do. */
export class BackendUnavailableError extends Error {
  override readonly name = "BackendUnavailableError";
  readonly isTesseraError = true;
  readonly backend: string;

  constructor(backend: string, problem: string, cause?: unknown) {
    super(`The backend "${backend}" cannot run here: ${problem}`, { cause });
    this.backend = backend;
  }
}

/** A tensor does not fit into the memory that WebAssembly can address, 4 GB. */
export class WasmMemoryError extends Error {
  override readonly name = "WasmMemoryError";
  readonly isTesseraError = true;
  readonly requestedBytes: number;

  constructor(requestedBytes: number, heapBytes: number) {
    super(
      `The wasm backend has no room for ${megabytes(requestedBytes)} more: its heap holds ${megabytes(heapBytes)} and ` +
        "cannot exceed 4096 MB. Use a smaller batch, context or model, or another backend.",
    );
    this.requestedBytes = requestedBytes;
  }
}

/** Whether most letters of the name are there. */
function looksLike(given: string, name: string): boolean {
  const letters = [...name];
  return letters.filter((letter) => given.toLowerCase().includes(letter)).length > letters.length / 2;
}

const megabytes = (bytes: number): string => `${(bytes / 2 ** 20).toFixed(0)} MB`;
