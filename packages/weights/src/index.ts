export { type ByteSource, bytesSource } from "./byte-source.ts";
export {
  MissingTensorError,
  ReadError,
  SafetensorsError,
  TensorDataError,
  UnsupportedDTypeError,
  WriteError,
} from "./errors.ts";
export { encodeSafetensors, openSafetensors, type TensorFile } from "./safetensors.ts";
export type { DType, HostTensor, LazyTensor, TensorEntry, TensorToWrite } from "./tensor.ts";
