import type { GgufArray, GgufValue } from "@tessera-lm/weights";
import { ModelFileError, TokenizerMismatchError } from "../errors.ts";

type Entry = readonly [key: string, value: GgufValue];

interface TokenConfig {
  readonly vocabSize: number;
  readonly beginOfText?: number;
  readonly endOfText?: number | readonly number[];
}

const UNUSED = 5;

/**
 * The metadata of a tokenizer, with as many tokens as the model: the rest are unused ones. The model's own tokens of
 * beginning and end win.
 * @throws {TokenizerMismatchError} for more tokens than the model has
 */
export function tokenizerMetadata(path: string, config: TokenConfig, tokenizer?: Iterable<Entry>): Entry[] {
  const ids = specialIds(config);
  if (tokenizer === undefined) return [["tokenizer.ggml.model", { type: "string", value: "none" }], ...ids];
  const entries = new Map(tokenizer);
  const tokens = entries.get("tokenizer.ggml.tokens");
  if (tokens?.type !== "array") {
    throw new ModelFileError(
      `${path}: tokenizer holds no tokenizer.ggml.tokens. Make it with tokenizerToGguf(tokenizer).`,
    );
  }
  const numMissing = config.vocabSize - tokens.value.length;
  if (numMissing < 0) throw new TokenizerMismatchError(path, tokens.value.length, config.vocabSize);
  for (const [key, fill] of PADDING) {
    const list = entries.get(key);
    if (list?.type === "array") entries.set(key, padded(list, config.vocabSize, fill));
  }
  for (const [key, value] of ids) entries.set(key, value);
  return [...entries];
}

/** What lists are filled up with. */
const PADDING: readonly (readonly [key: string, fill: (id: number) => GgufArray["value"][number]])[] = [
  ["tokenizer.ggml.tokens", (id) => `[PAD${id}]`],
  ["tokenizer.ggml.token_type", () => UNUSED],
  ["tokenizer.ggml.scores", () => 0],
];

function padded(list: GgufArray, length: number, fill: (id: number) => GgufArray["value"][number]): GgufArray {
  const rest = Array.from({ length: length - list.value.length }, (_, i) => fill(list.value.length + i));
  return { ...list, value: [...list.value, ...rest] };
}

function specialIds({ beginOfText, endOfText }: TokenConfig): Entry[] {
  const [end] = [endOfText ?? []].flat();
  const given = { bos: beginOfText ?? undefined, eos: end };
  return Object.entries(given).flatMap(([name, value]): Entry[] =>
    value === undefined ? [] : [[`tokenizer.ggml.${name}_token_id`, { type: "uint32", value }]],
  );
}
