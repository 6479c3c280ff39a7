export { type LoadGgufOptions, loadGguf } from "./gguf/load-gguf.ts";
export { type SaveGgufOptions, saveGguf } from "./gguf/save-gguf.ts";
export { loadLlama2c } from "./load-llama2c.ts";
export { type LoadModelOptions, loadModel } from "./load-model.ts";
export { readModelConfig } from "./plan/read-model-config.ts";
export { saveModel } from "./save-model.ts";
