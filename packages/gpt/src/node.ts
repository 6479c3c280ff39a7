export { loadLlama2c } from "./load-llama2c.ts";
export { loadModel, type ModelKind, type ModelKinds } from "./load-model.ts";
export { saveModel } from "./save-model.ts";
