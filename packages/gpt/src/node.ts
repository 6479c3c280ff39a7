export { type LoadGgufOptions, loadGguf } from "./gguf/load-gguf.ts";
export { type SaveGgufOptions, saveGguf } from "./gguf/save-gguf.ts";
export { readModelConfig } from "./plan/read-model-config.ts";
export { loadLlama2c } from "./storage/load-llama2c.ts";
export { type LoadModelOptions, loadModel } from "./storage/load-model.ts";
export { saveModel } from "./storage/save-model.ts";
