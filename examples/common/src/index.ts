export { cacheFolder, download } from "./cache.ts";
export { type Corpus, findCorpus } from "./corpus.ts";
export { passingOverUnknown } from "./known-characters.ts";
export { findModelFolder } from "./model-folder.ts";
export {
  choice,
  createCommand,
  nonNegativeInteger,
  nonNegativeNumber,
  positiveInteger,
  UsageError,
} from "./options.ts";
export { runMain } from "./run-main.ts";
export { lastRunFolder, nextRunFolder } from "./runs.ts";
