import { readByteLevel } from "../byte-level.ts";
import { type BytePairDefinition, BytePairTokenizer } from "../byte-pair/bpe.ts";
import { impliedMerges, type Merge } from "../byte-pair/merges.ts";
import { UnsupportedTokenizerError } from "../errors.ts";
import { CharacterTokenizer } from "../models/character.ts";
import { byteLevelCore, type PipelineDefinition, PipelineTokenizer } from "../pipeline.ts";
import { idsIn, sentencePieceRules } from "../sentence-piece.ts";
import type { TokenId, Tokenizer } from "../tokenizer.ts";
import { allTokens } from "./definition.ts";
import { PATTERNS } from "./gguf.ts";
import { asArray, asId, asObject, asString, readMerges, readVocabulary } from "./json.ts";
import { BYTE, CONTROL, NORMAL, UNKNOWN, UNUSED, USER_DEFINED } from "./sentence-piece-model.ts";

/** A value for the metadata of a GGUF file, as `writeGgufFile` of `@tessera-lm/weights` takes it. */
export type GgufTokenizerValue =
  | { readonly type: "string"; readonly value: string }
  | { readonly type: "bool"; readonly value: boolean }
  | { readonly type: "uint32"; readonly value: number }
  | { readonly type: "array"; readonly itemType: "string"; readonly value: readonly string[] }
  | { readonly type: "array"; readonly itemType: "int32" | "float32"; readonly value: readonly number[] };

/** What a tokenizer does not say, and a GGUF file holds. */
export interface GgufTokenizerOptions {
  /** A chat template in Jinja, as `tokenizer_config.json` has it. */
  readonly chatTemplate?: string;
}

export type GgufTokenizerEntry = readonly [key: string, value: GgufTokenizerValue];

/**
 * A tokenizer as the metadata of a GGUF file, for `saveGguf` of `@tessera-lm/gpt`: llama.cpp, Ollama and LM Studio then
 * encode as it does. Byte-level BPE with a split pattern that llama.cpp knows, SentencePiece's BPE, and characters.
 *
 * @throws UnsupportedTokenizerError for a tokenizer that llama.cpp has none like
 */
export function tokenizerToGguf(tokenizer: Tokenizer, options: GgufTokenizerOptions = {}): GgufTokenizerEntry[] {
  const { chatTemplate: value } = options;
  return [
    ...entriesOf(tokenizer),
    ...(value === undefined ? [] : [["tokenizer.chat_template", { type: "string", value }] as const]),
  ];
}

function entriesOf(tokenizer: Tokenizer): GgufTokenizerEntry[] {
  if (tokenizer instanceof BytePairTokenizer) return bytePairEntries(tokenizer.definition, new Set());
  if (tokenizer instanceof CharacterTokenizer) return characterEntries(tokenizer);
  if (tokenizer instanceof PipelineTokenizer) return pipelineEntries(tokenizer.definition);
  throw new UnsupportedTokenizerError(`tokenizer ${tokenizer.constructor.name}`, "those of this package can be saved.");
}

function pipelineEntries(definition: PipelineDefinition): GgufTokenizerEntry[] {
  const added = new Map(asArray(definition.added_tokens ?? [], "added_tokens").map((entry, i) => readAdded(entry, i)));
  const ids = new Map([...added].map(([content, { id }]) => [content, id]));
  const plain = new Set([...added].filter(([, { special }]) => !special).map(([content]) => content));
  const core = definition[byteLevelCore] ?? readByteLevel(definition, ids)?.core;
  if (core !== undefined) return [...bytePairEntries(core.definition, plain), ...beginning(definition)];
  const { model } = definition;
  if (model.type === "BPE" && model.byte_fallback === true)
    return [...pieceEntries(definition, added), ...beginning(definition)];
  throw new UnsupportedTokenizerError(
    `model ${JSON.stringify(model.type)} for GGUF`,
    "byte-level and SentencePiece BPE are.",
  );
}

interface Added {
  readonly id: TokenId;
  readonly special: boolean;
}

function readAdded(entry: unknown, index: number): readonly [content: string, added: Added] {
  const place = `added_tokens[${index}]`;
  const { content, id, special } = asObject(entry, place);
  return [asString(content, `${place}.content`), { id: asId(id, `${place}.id`), special: special === true }];
}

/** @param plain added tokens that are not special */
function bytePairEntries(definition: BytePairDefinition, plain: ReadonlySet<string>): GgufTokenizerEntry[] {
  const { vocabulary, merges, pattern, specialTokens = new Map() } = definition;
  const pre = [...PATTERNS].find(([, known]) => known === pattern)?.[0];
  if (pre === undefined) {
    throw new UnsupportedTokenizerError(
      "split pattern for GGUF",
      `llama.cpp knows those of ${[...PATTERNS.keys()].join(", ")}.`,
    );
  }
  const types = (token: string): number => {
    if (plain.has(token)) return USER_DEFINED;
    return specialTokens.has(token) ? CONTROL : NORMAL;
  };
  const lines = (merges ?? impliedMerges(vocabulary)).map(([left, right]) => `${left} ${right}`);
  return [
    ["tokenizer.ggml.model", { type: "string", value: "gpt2" }],
    ["tokenizer.ggml.pre", { type: "string", value: pre }],
    ...tokenEntries(Object.entries(allTokens(definition)), types),
    ["tokenizer.ggml.merges", { type: "array", itemType: "string", value: lines }],
  ];
}

/** Pieces, of which llama.cpp merges the pair of the highest score first: minus the rank of the merge that makes it. */
function pieceEntries(definition: PipelineDefinition, added: ReadonlyMap<string, Added>): GgufTokenizerEntry[] {
  const { model } = definition;
  const vocabulary = readVocabulary(model.vocab, "model.vocab");
  for (const [content, { id }] of added) vocabulary.set(content, id);
  const rules = sentencePieceRules(model, "model");
  const scores = scoresOf(readMerges(model.merges, "model.merges"), rules && idsIn(rules, "ranks", "model"));
  const types = (token: string): number => {
    if (token === model.unk_token) return UNKNOWN;
    if (/^<0x[0-9A-F]{2}>$/.test(token)) return BYTE;
    const entry = added.get(token);
    if (entry === undefined) return NORMAL;
    return entry.special ? CONTROL : USER_DEFINED;
  };
  return [
    ...pieceHeader(addsSpace(definition), removesSpaces(definition)),
    ...tokenEntries([...vocabulary], types, (token) => scores.get(token) ?? 0),
  ];
}

function scoresOf(merges: readonly Merge[], ranks: readonly number[] | undefined): Map<string, number> {
  const scores = new Map<string, number>();
  merges.forEach(([left, right], index) => {
    const piece = left + right;
    if (!scores.has(piece)) scores.set(piece, -(ranks?.[index] ?? index));
  });
  return scores;
}

/** Characters as pieces that never merge. A space is ▁ there. */
function characterEntries({ characters }: CharacterTokenizer): GgufTokenizerEntry[] {
  const tokens = characters.map((character, id): [string, TokenId] => [character === " " ? "▁" : character, id]);
  return [
    ...pieceHeader(false, false),
    ...tokenEntries(
      tokens,
      () => NORMAL,
      () => 0,
    ),
    ["tokenizer.ggml.add_bos_token", { type: "bool", value: false }],
  ];
}

const pieceHeader = (addsSpacePrefix: boolean, removesExtraSpaces: boolean): GgufTokenizerEntry[] => [
  ["tokenizer.ggml.model", { type: "string", value: "llama" }],
  ["tokenizer.ggml.pre", { type: "string", value: "default" }],
  ["tokenizer.ggml.add_space_prefix", { type: "bool", value: addsSpacePrefix }],
  ["tokenizer.ggml.remove_extra_whitespaces", { type: "bool", value: removesExtraSpaces }],
];

/** Lists by id; ids without a token are unused. */
function tokenEntries(
  tokens: readonly (readonly [token: string, id: TokenId])[],
  typeOf: (token: string) => number,
  scoreOf?: (token: string) => number,
): GgufTokenizerEntry[] {
  const byId: string[] = [];
  for (const [token, id] of tokens) byId[id] = token;
  const list = Array.from(byId, (token, id) => token ?? `[PAD${id}]`);
  const types = Array.from(byId, (token) => (token === undefined ? UNUSED : typeOf(token)));
  return [
    ["tokenizer.ggml.tokens", { type: "array", itemType: "string", value: list }],
    ...(scoreOf
      ? [["tokenizer.ggml.scores", { type: "array", itemType: "float32", value: list.map(scoreOf) }] as const]
      : []),
    ["tokenizer.ggml.token_type", { type: "array", itemType: "int32", value: types }],
  ];
}

/** Whether spaces at the ends and runs of them are removed. llama.cpp leaves them in texts for this kind of tokenizer. */
const removesSpaces = ({ normalizer }: PipelineDefinition): boolean =>
  JSON.stringify(normalizer ?? null).includes('{"Regex":" {2,}"}');

/** Whether spaces are put before a text, by the normalizer or by the pre-tokenizer. */
function addsSpace({ normalizer, pre_tokenizer }: PipelineDefinition): boolean {
  const parts = JSON.stringify([normalizer ?? null, pre_tokenizer ?? null]);
  return /"type":"Prepend"/.test(parts) || /"prepend_scheme":"(always|first)"/.test(parts);
}

/** Whether a token stands before every text, and which. */
function beginning({ post_processor: processor }: PipelineDefinition): GgufTokenizerEntry[] {
  const first =
    processor?.type === "TemplateProcessing" ? asArray(processor.single, "post_processor.single")[0] : undefined;
  const { SpecialToken: token } = asObject(first ?? {}, "post_processor.single[0]");
  const add: GgufTokenizerEntry = ["tokenizer.ggml.add_bos_token", { type: "bool", value: token !== undefined }];
  if (token === undefined) return [add];
  const name = asString(asObject(token, "post_processor.single[0]").id, "post_processor.single[0].id");
  const { ids } = asObject(
    asObject(processor?.special_tokens, "post_processor.special_tokens")[name],
    "post_processor",
  );
  const id = asId(asArray(ids, "post_processor.special_tokens.ids")[0], "post_processor.special_tokens.ids");
  return [["tokenizer.ggml.bos_token_id", { type: "uint32", value: id }], add];
}
