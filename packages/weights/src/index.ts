export { type ByteSource, bytesSource } from "./byte-source.ts";
export {
  GgufError,
  MetadataError,
  MissingTensorError,
  QuantizationError,
  ReadError,
  SafetensorsError,
  ShardIndexError,
  TensorDataError,
  UnsupportedDTypeError,
  WriteError,
  WrongFormatError,
} from "./errors.ts";
export { encodeGguf, type GgufData, type GgufTensorToWrite } from "./gguf/encode.ts";
export { type GgufFile, type GgufTensor, openGguf } from "./gguf/gguf.ts";
export type { GgufArray, GgufItemType, GgufNumberType, GgufValue } from "./gguf/values.ts";
export { blockValues, dequantize, quantize, type StorageType, storedBytes } from "./quantize/quantize.ts";
export { combinedReport, type QuantizationReport, quantizationReport } from "./quantize/report.ts";
export { encodeSafetensors, openSafetensors, type TensorFile } from "./safetensors/safetensors.ts";
export type { DType, HostTensor, LazyTensor, TensorEntry, TensorToWrite } from "./tensor.ts";
