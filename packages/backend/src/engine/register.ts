import {
  copyRegisteredKernels,
  findBackendFactory,
  getKernel,
  type KernelConfig,
  type KernelFunc,
  type NamedAttrMap,
  type NamedTensorInfoMap,
  registerBackend,
  registerKernel,
  setBackend,
  unregisterKernel,
} from "@tensorflow/tfjs";
import { EngineBackend } from "./backend.ts";
import type { EngineHost } from "./host.ts";
import { engineKernels } from "./kernels/index.ts";
import type { EngineKernel, KernelCall } from "./kernels/kernel.ts";

const started = new Map<string, Promise<EngineBackend>>();

/**
 * Makes the engine the current TensorFlow.js backend under this name, starting it the first time.
 * @returns what it runs on, in words
 * @throws whatever `load` throws
 */
export async function setEngineBackend(name: string, load: () => EngineHost | Promise<EngineHost>): Promise<string> {
  const backend = await (started.get(name) ?? start(name, load));
  // Also when somebody has removed it.
  if (!findBackendFactory(name)) registerBackend(name, () => backend);
  await setBackend(name);
  return backend.description;
}

/** Whoever asks while it loads waits for the same one; after a failure the next one tries again. */
function start(name: string, load: () => EngineHost | Promise<EngineHost>): Promise<EngineBackend> {
  const backend = create(name, load);
  started.set(name, backend);
  backend.catch(() => started.delete(name));
  return backend;
}

async function create(name: string, load: () => EngineHost | Promise<EngineHost>): Promise<EngineBackend> {
  const backend = new EngineBackend(name, await load());
  registerKernels(name);
  return backend;
}

function registerKernels(backendName: string): void {
  copyRegisteredKernels("cpu", backendName);
  for (const kernel of engineKernels) {
    const stock: KernelConfig | undefined = getKernel(kernel.name, "cpu");
    if (stock) unregisterKernel(kernel.name, backendName);
    registerKernel({ kernelName: kernel.name, backendName, kernelFunc: kernelFunc(kernel, stock?.kernelFunc) });
  }
}

function kernelFunc(kernel: EngineKernel, fallback: KernelFunc | undefined): KernelFunc {
  return ({ inputs, attrs = {}, backend }) => {
    const accepted = kernel.accepts?.(inputs as NamedTensorInfoMap, attrs as NamedAttrMap) ?? true;
    if (!accepted && fallback) return fallback({ inputs, attrs, backend });
    const call: KernelCall = {
      inputs: inputs as NamedTensorInfoMap,
      attributes: attrs as NamedAttrMap,
      backend: backend as EngineBackend,
    };
    kernel.check?.(kernel.name, call);
    return call.backend.attempt(() => kernel.run(call));
  };
}
