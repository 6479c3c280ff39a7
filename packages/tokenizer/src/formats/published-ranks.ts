import type { BytePairTokenizer } from "../byte-pair/bpe.ts";
import { UnsupportedTokenizerError } from "../errors.ts";
import { byteLevelCore, PipelineTokenizer } from "../pipeline.ts";
import { splitPatterns } from "../split/split-patterns.ts";
import type { TokenId } from "../tokenizer.ts";
import { describeAddedToken, describeTemplate } from "./definition.ts";
import { tokenizerFromTiktoken } from "./tiktoken.ts";

/** What the published files of ranks leave unsaid; a file is known by the number of its ranks and by some of them. */
interface Published {
  /** Lines that such a file has. */
  readonly lines: readonly string[];
  readonly pattern: string;
  readonly specialTokens: Readonly<Record<string, TokenId>>;
}

const GPT2_LINES = ["IHQ= 256", "IGVudGlyZWx5 5000", "IGdyaWRz 50000"];
const CL100K_LINES = ["ICA= 256", "IFdlYg== 5000", "CU5T 50000"]; // Llama 3's ranks begin with these, too
const O200K_LINES = ["ICA= 256", "IG1lbWJlcnM= 5000", "INin2YTZgtiv 50000"];

const END_OF_TEXT = "<|endoftext|>";
const BEGIN_OF_TEXT = "<|begin_of_text|>";

function published(ranks: number): Published | undefined {
  switch (ranks) {
    case 50_256: // r50k
    case 50_280: // p50k
      return { lines: GPT2_LINES, pattern: splitPatterns.gpt2, specialTokens: { [END_OF_TEXT]: 50_256 } };
    case 100_256: {
      const fill = { "<|fim_prefix|>": 100_258, "<|fim_middle|>": 100_259, "<|fim_suffix|>": 100_260 };
      const specialTokens = { [END_OF_TEXT]: 100_257, ...fill, "<|endofprompt|>": 100_276 };
      return { lines: CL100K_LINES, pattern: splitPatterns.cl100k, specialTokens };
    }
    case 199_998: {
      const specialTokens = { [END_OF_TEXT]: 199_999, "<|endofprompt|>": 200_018 };
      return { lines: O200K_LINES, pattern: splitPatterns.o200k, specialTokens };
    }
    case 128_000:
      return { lines: CL100K_LINES, pattern: splitPatterns.llama3, specialTokens: llama3SpecialTokens() };
    default:
      return undefined;
  }
}

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
 * @throws UnsupportedTokenizerError for other ranks, whose split pattern nobody can know
 */
export function tokenizerFromPublishedRanks(ranks: string): BytePairTokenizer | PipelineTokenizer {
  const count = countLines(ranks);
  const known = published(count);
  if (known === undefined || !known.lines.every((line) => hasLine(ranks, line))) {
    throw new UnsupportedTokenizerError(
      `file of ${count} ranks`,
      "it is none of the published ones, and lacks its split pattern; give its text and the pattern to tokenizerFromTiktoken.",
    );
  }
  const core = tokenizerFromTiktoken(ranks, known);
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
