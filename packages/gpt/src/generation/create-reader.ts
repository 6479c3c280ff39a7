import type { LanguageModel } from "@tessera-lm/layers";
import { CachedReader } from "./cached-reader.ts";
import type { Reader, ReaderOptions } from "./reader.ts";
import { WholeReader } from "./whole-reader.ts";

/** Reads with a cache if the model knows caches, otherwise everything again each time. */
export function createReader(model: LanguageModel, options: ReaderOptions): Reader {
  return model.supportsCache ? new CachedReader(model, options) : new WholeReader(model, options.windowSize);
}
