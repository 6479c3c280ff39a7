/** Our side of the tokenizer benchmark. Argument: {@link TokenizerSettings}. */
import { serve } from "../serve.ts";
import type { TokenizerSettings } from "./contestants.ts";
import { loadTokenizer } from "./load-tokenizer.ts";
import { subject } from "./subject.ts";

await serve(async () => {
  const settings = JSON.parse(process.argv[2] ?? "{}") as TokenizerSettings;
  const tokenizer = loadTokenizer(settings.vocabulary, settings.dataFolder);
  return subject("tessera", settings, {
    encode: (text) => tokenizer.encode(text),
    decode: (ids) => tokenizer.decode(ids),
  });
});
