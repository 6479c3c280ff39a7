export {
  BackendUnavailableError,
  type CopyOfTensorflow,
  EngineError,
  EngineMemoryError,
  KernelInputError,
  TensorflowCopiesError,
  UnknownBackendError,
  WasmMemoryError,
} from "./errors.ts";
export { type BackendName, type BackendReport, backendNames, useBackend } from "./use-backend.ts";
