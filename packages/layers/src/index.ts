export type { ForwardOptions, LanguageModel } from "./language-model.ts";
export { dispose, type Parameter, parameters } from "./parameter.ts";
