export { cacheFolder, download } from "./cache.ts";
export { type Corpus, findCorpus, findSameCorpus, textHash } from "./corpus.ts";
export { interruptSignal } from "./interrupt.ts";
export { passingOverUnknown } from "./known-characters.ts";
export { findModelFolder, runOfModel } from "./model-folder.ts";
export {
  choice,
  createCommand,
  nonNegativeInteger,
  nonNegativeNumber,
  path,
  positiveInteger,
  positiveNumber,
  share,
  UsageError,
} from "./options.ts";
export { runMain } from "./run-main.ts";
export { holdsRun, type RunSettings, readRunSettings, writeRunSettings } from "./run-settings.ts";
export { lastRunFolder, nextRunFolder, requireFree, takeFolder } from "./runs.ts";
export { writeText, writeWholeText } from "./write-text.ts";
