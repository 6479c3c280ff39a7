import { findBackendFactory, setBackend } from "@tensorflow/tfjs";
import { BackendUnavailableError } from "../errors.ts";
import { importOptional } from "../optional-import.ts";
import { replaceAddN } from "./add-n.ts";

/** The part of WebGPU that is looked at here. */
interface Gpu {
  requestAdapter(): Promise<{ readonly info?: { readonly description?: string } } | null>;
}

/** The package `webgpu`, which is Dawn, the implementation of Chromium. */
interface Dawn {
  create(options: readonly string[]): Gpu;
  readonly globals: object;
}

/**
 * Makes the graphics processor the current backend, by TensorFlow.js's WebGPU backend. In browsers the program imports
 * `@tensorflow/tfjs-backend-webgpu` itself, so that its bundler knows of it; in Node it is loaded here, on Dawn.
 * @returns what runs, in words
 * @throws BackendUnavailableError if a package is not installed, or there is no graphics processor
 */
export async function setWebgpuBackend(): Promise<string> {
  const gpu = givenGpu() ?? (await provideGpu());
  const adapter = await gpu.requestAdapter();
  if (adapter === null) throw new BackendUnavailableError("webgpu", "no graphics processor was found.");
  loaded ??= load();
  await loaded;
  if (!(await setBackend("webgpu"))) throw new BackendUnavailableError("webgpu", "it did not start.");
  return `TensorFlow.js's WebGPU backend on ${adapter.info?.description || "the graphics processor"}`;
}

let loaded: Promise<void> | undefined;

async function load(): Promise<void> {
  if (findBackendFactory("webgpu") == null) await required("@tensorflow/tfjs-backend-webgpu");
  replaceAddN();
}

const scope = globalThis as { navigator?: { gpu?: Gpu } };

const givenGpu = (): Gpu | undefined => scope.navigator?.gpu;

/** Gives Node what browsers have: WebGPU's classes, and `navigator.gpu`. */
async function provideGpu(): Promise<Gpu> {
  const { create, globals } = (await required("webgpu")) as Dawn;
  const gpu = create([]);
  Object.assign(globalThis, globals);
  // Node has a navigator from version 21 on.
  if (scope.navigator === undefined) Object.defineProperty(globalThis, "navigator", { value: {}, configurable: true });
  Object.defineProperty(scope.navigator, "gpu", { value: gpu, configurable: true });
  return gpu;
}

async function required(name: string): Promise<unknown> {
  const found = await importOptional("webgpu", name);
  if (found !== undefined) return found;
  const advice = "Run `npm install webgpu @tensorflow/tfjs-backend-webgpu@4.22.0`, or choose another backend.";
  throw new BackendUnavailableError("webgpu", `${name} is not installed. ${advice}`);
}
