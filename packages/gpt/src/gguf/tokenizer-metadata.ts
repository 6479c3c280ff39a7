import type { GgufArray, GgufValue } from "@tessera-lm/weights";
import { ModelFileError, TokenizerMismatchError, UnsupportedModelError } from "../errors.ts";
import { isList } from "../generation/options.ts";

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
 * @throws {UnsupportedModelError} for more ends of a text than there are keys for
 */
export function tokenizerMetadata(path: string, config: TokenConfig, tokenizer: Iterable<Entry> | null): Entry[] {
  if (tokenizer === null) {
    return [["tokenizer.ggml.model", { type: "string", value: "none" }], ...specialIds(config)];
  }
  const entries = entriesOf(tokenizer);
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
  for (const [key, value] of specialIds(config, tokens.value)) entries.set(key, value);
  return [...entries];
}

/** None for what is no list of entries, such as a tokenizer itself. */
function entriesOf(tokenizer: Iterable<Entry>): Map<string, GgufValue> {
  return new Map(isList(tokenizer) ? [...tokenizer].filter(Array.isArray) : []);
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

/**
 * The ids that llama.cpp begins and ends a text at. It ends at the end of a text, of a turn and of a message, so that
 * three ends of a model have a key: of the others after the first, one whose text speaks of a message, as
 * `<|eom_id|>` does, ends a message.
 */
function specialIds({ beginOfText, endOfText }: TokenConfig, tokens?: GgufArray["value"]): Entry[] {
  const [eos, ...others] = new Set([endOfText ?? []].flat());
  const named = others.find((id) => /eom/i.test(String(tokens?.[id])));
  if (others.length > 2) {
    throw new UnsupportedModelError("saveGguf", "endOfText", [eos, ...others], ["one token", "two", "three"]);
  }
  const [eot, eom] = others.filter((id) => id !== named);
  return Object.entries({ bos: beginOfText, eos, eot, eom: named ?? eom }).flatMap(([name, value]): Entry[] =>
    typeof value !== "number" ? [] : [[`tokenizer.ggml.${name}_token_id`, { type: "uint32", value }]],
  );
}
