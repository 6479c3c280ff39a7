export {
  BackendUnavailableError,
  EngineError,
  EngineMemoryError,
  UnknownBackendError,
  WasmMemoryError,
} from "./errors.ts";
export { type BackendName, type BackendReport, backendNames, useBackend } from "./use-backend.ts";
