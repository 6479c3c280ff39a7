/** A backend of this name is not known. The message lists those that are. */
export class UnknownBackendError extends Error {
  override readonly name = "UnknownBackendError";
  readonly isTesseraError = true;
  readonly backend: string;

  constructor(backend: string, known: readonly string[]) {
    const distance = (name: string) => Math.abs(name.length - backend.length);
    const near = known.filter((name) => looksLike(backend, name)).sort((a, b) => distance(a) - distance(b))[0];
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
      `The wasm backend has no room for ${inUnits(requestedBytes)} more: its heap holds ${inUnits(heapBytes)} and ` +
        "cannot exceed 4 GB. Use smaller tensors (of a model: a smaller batch, context or width), or another backend.",
    );
    this.requestedBytes = requestedBytes;
  }
}

/** An environment variable has a value that it cannot have. */
export class InvalidSettingError extends Error {
  override readonly name = "InvalidSettingError";
  readonly isTesseraError = true;
  readonly setting: string;

  constructor(setting: string, value: string, expected: string) {
    super(`The environment variable ${setting} is "${value}"; it must be ${expected}.`);
    this.setting = setting;
  }
}

/** A kernel of the engine has failed. What it should have computed, and what was queued behind it, is not there. */
export class EngineError extends Error {
  override readonly name = "EngineError";
  readonly isTesseraError = true;

  constructor(problem: string, cause?: unknown) {
    super(`The engine could not compute ${problem}`, { cause });
  }
}

/** A kernel of the engine was called with a tensor that is missing or of another type or shape than it needs. */
export class KernelInputError extends Error {
  override readonly name = "KernelInputError";
  readonly isTesseraError = true;
  readonly kernel: string;

  constructor(
    kernel: string,
    input: string,
    expected: string,
    found: { readonly dtype: string; readonly shape: readonly number[] } | undefined,
    sizes: ReadonlyMap<string, number>,
  ) {
    const known = [...sizes].filter(([size]) => expected.includes(size)).map(([size, value]) => `${size} = ${value}`);
    const where = known.length > 0 ? ` where ${known.join(", ")}` : "";
    const is = found ? `is ${found.dtype} (${found.shape.join(", ")})` : "is missing";
    super(`${kernel}: ${input} must be ${expected}${where}, but ${is}`);
    this.kernel = kernel;
  }
}

/** There is no memory left for a tensor. */
export class EngineMemoryError extends Error {
  override readonly name = "EngineMemoryError";
  readonly isTesseraError = true;
  readonly requestedBytes: number;

  constructor(backend: string, requestedBytes: number, usedBytes: number) {
    super(
      `The backend "${backend}" has no memory for a tensor of ${inUnits(requestedBytes)}: its tensors hold ` +
        `${inUnits(usedBytes)} already. Use smaller tensors (of a model: a smaller batch, context or width), or ` +
        "dispose of those that are no longer needed.",
    );
    this.requestedBytes = requestedBytes;
  }
}

/** A copy of TensorFlow.js that a program has loaded. */
export interface CopyOfTensorflow {
  readonly path: string;
  readonly version: string;
}

/** The program has loaded TensorFlow.js more than once. `copies` is empty in bundles, which do not say where they are from. */
export class TensorflowCopiesError extends Error {
  override readonly name = "TensorflowCopiesError";
  readonly isTesseraError = true;
  readonly copies: readonly CopyOfTensorflow[];

  constructor(copies: readonly CopyOfTensorflow[]) {
    const list = copies.map(({ path, version }) => `\n  ${version} from ${path}`).join("");
    super(
      "TensorFlow.js is loaded more than once, and the copies overwrite each other's kernels. Let all packages share " +
        `one: \`npm ls @tensorflow/tfjs-core\` shows who brings which, \`npm dedupe\` often helps.${list}`,
    );
    this.copies = copies;
  }
}

/** Whether most letters of the name are there. */
function looksLike(given: string, name: string): boolean {
  const letters = [...name];
  return letters.filter((letter) => given.toLowerCase().includes(letter)).length > letters.length / 2;
}

/** As people read it: `512 MB`, `3.5 GB`, `1,024 TB`. */
function inUnits(bytes: number): string {
  const unit = bytes < 2 ** 30 ? 2 : bytes < 2 ** 40 ? 3 : 4;
  const digits = { maximumFractionDigits: unit === 2 ? 0 : 1 };
  return `${(bytes / 1024 ** unit).toLocaleString("en", digits)} ${["MB", "GB", "TB"][unit - 2]}`;
}
