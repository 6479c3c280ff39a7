export { adapterOf, type LoraAdapter } from "./adapter.ts";
export { applyLora, type LoraOptions } from "./apply.ts";
export { AdapterStateError, LoraOptionError, UnmatchedTargetError } from "./errors.ts";
export { createLoraLinear, type LinearLayer, LoraLinear, type LoraShape, loraScale } from "./lora-linear.ts";
export { mergeLora, removeLora } from "./merge.ts";
export type { LoraTarget } from "./targets.ts";
