export {
  BackendUnavailableError,
  type CopyOfTensorflow,
  EngineError,
  EngineMemoryError,
  InvalidSettingError,
  KernelInputError,
  TensorflowCopiesError,
  UnknownBackendError,
  WasmMemoryError,
} from "./errors.ts";
export { type BackendName, type BackendReport, backendNames, useBackend } from "./use-backend.ts";
