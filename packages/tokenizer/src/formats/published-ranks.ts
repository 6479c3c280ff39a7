import type { BytePairTokenizer } from "../byte-pair/bpe.ts";
import { MalformedTokenizerError, UnsupportedTokenizerError } from "../errors.ts";
import { byteLevelCore, PipelineTokenizer } from "../pipeline.ts";
import { splitPatterns } from "../split/split-patterns.ts";
import type { TokenId } from "../tokenizer.ts";
import { describeAddedToken, describeTemplate } from "./definition.ts";
import { tokenizerFromTiktoken } from "./tiktoken.ts";

/** What the published files of ranks leave unsaid; a file is known by the number of its ranks and by some of them. */
interface Published {
  readonly name: string;
  /** How many there are. */
  readonly ranks: number;
  /** Lines that such a file has. */
  readonly lines: readonly string[];
  readonly pattern: string;
  readonly specialTokens: () => Readonly<Record<string, TokenId>>;
}

const GPT2_LINES = ["IHQ= 256", "IGVudGlyZWx5 5000", "IGdyaWRz 50000"];
const CL100K_LINES = ["ICA= 256", "IFdlYg== 5000", "CU5T 50000"]; // Llama 3's ranks begin with these, too
const O200K_LINES = ["ICA= 256", "IG1lbWJlcnM= 5000", "INin2YTZgtiv 50000"];

const END_OF_TEXT = "<|endoftext|>";
const BEGIN_OF_TEXT = "<|begin_of_text|>";

const gpt2 = {
  lines: GPT2_LINES,
  pattern: splitPatterns.gpt2,
  specialTokens: () => ({ [END_OF_TEXT]: 50_256 }),
};
const published: readonly Published[] = [
  { ...gpt2, name: "r50k_base", ranks: 50_256 },
  { ...gpt2, name: "p50k_base", ranks: 50_280 },
  {
    name: "cl100k_base",
    ranks: 100_256,
    lines: CL100K_LINES,
    pattern: splitPatterns.cl100k,
    specialTokens: () => ({
      [END_OF_TEXT]: 100_257,
      "<|fim_prefix|>": 100_258,
      "<|fim_middle|>": 100_259,
      "<|fim_suffix|>": 100_260,
      "<|endofprompt|>": 100_276,
    }),
  },
  {
    name: "o200k_base",
    ranks: 199_998,
    lines: O200K_LINES,
    pattern: splitPatterns.o200k,
    specialTokens: () => ({ [END_OF_TEXT]: 199_999, "<|endofprompt|>": 200_018 }),
  },
  {
    name: "Llama 3",
    ranks: 128_000,
    lines: CL100K_LINES,
    pattern: splitPatterns.llama3,
    specialTokens: llama3SpecialTokens,
  },
];

/** Those of Llama 3.0; later versions give names to some of the reserved ones. */
function llama3SpecialTokens(): Record<string, TokenId> {
  const reserved = (from: number, to: number): string[] =>
    Array.from({ length: to - from }, (_, i) => `<|reserved_special_token_${from + i}|>`);
  const turn = ["<|start_header_id|>", "<|end_header_id|>"];
  const names = [BEGIN_OF_TEXT, "<|end_of_text|>", ...reserved(0, 4), ...turn, ...reserved(4, 5), "<|eot_id|>"];
  return Object.fromEntries([...names, ...reserved(5, 251)].map((name, index) => [name, 128_000 + index]));
}

/**
 * The tokenizer in a published file of ranks: OpenAI's `.tiktoken` (r50k, p50k, cl100k, o200k), Llama 3's `.model`, whose
 * `addSpecialTokens` puts `<|begin_of_text|>` before a text.
 *
 * @throws MalformedTokenizerError for the beginning of one of them
 * @throws UnsupportedTokenizerError for other ranks, whose split pattern nobody can know
 */
export function tokenizerFromPublishedRanks(ranks: string): BytePairTokenizer | PipelineTokenizer {
  const count = countLines(ranks);
  const known = published.find((file) => file.ranks === count && beginsAs(file, ranks, count));
  if (known === undefined) throw unknownRanks(ranks, count);
  const core = tokenizerFromTiktoken(ranks, { pattern: known.pattern, specialTokens: known.specialTokens() });
  const begin = core.specialTokens.get(BEGIN_OF_TEXT);
  if (begin === undefined) return core;
  return new PipelineTokenizer({
    [byteLevelCore]: core,
    model: { type: "BPE" },
    added_tokens: [...core.specialTokens].map(([name, token]) => describeAddedToken(name, token)),
    decoder: { type: "ByteLevel" },
    post_processor: describeTemplate([BEGIN_OF_TEXT, begin], undefined),
  });
}

/** Whether the lines of a published file stand in another, as far as that goes. */
function beginsAs({ lines }: Published, ranks: string, count: number): boolean {
  return count > FIRST_MERGE && lines.every((line) => Number(line.split(" ")[1]) >= count - 1 || hasLine(ranks, line));
}

function unknownRanks(ranks: string, count: number): Error {
  const wholes = published.filter((file) => file.ranks > count && beginsAs(file, ranks, count));
  if (wholes.length === 0)
    return new UnsupportedTokenizerError(`file of ${count} ranks`, `it is none of the published ones; ${ADVICE}`);
  const names = wholes.map(({ name, ranks }) => `${name} (${ranks})`).join(" or ");
  return new MalformedTokenizerError(
    "file",
    `its ${count} ranks begin as ${names}: it seems cut short. Else ${ADVICE}`,
  );
}

const ADVICE = "give its text and its split pattern to tokenizerFromTiktoken.";

/** The rank after those of the single bytes. */
const FIRST_MERGE = 256;

function hasLine(text: string, line: string): boolean {
  return text.includes(`\n${line}\n`) || text.includes(`\n${line}\r\n`);
}

function countLines(text: string): number {
  let count = 0;
  for (let start = 0, end = 0; start < text.length; start = end + 1) {
    end = text.indexOf("\n", start);
    if (end < 0) end = text.length;
    if (end > start) count++;
  }
  return count;
}
