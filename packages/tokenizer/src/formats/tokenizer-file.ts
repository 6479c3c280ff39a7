import { MalformedTokenizerError, UnsupportedTokenizerError } from "../errors.ts";
import type { Tokenizer } from "../tokenizer.ts";
import { tokenizerFromPublishedRanks } from "./published-ranks.ts";
import { tokenizerFromSentencePiece } from "./sentence-piece-model.ts";
import { tokenizerFromJson } from "./tokenizer-json.ts";
import { tokenizerFromWordPieceVocabulary, type WordPieceOptions } from "./word-piece-vocabulary.ts";

const LINE_FEED = 10;

/**
 * The tokenizer in one file, whose format is known by its content: `tokenizer.json`, published `.tiktoken` ranks, Llama
 * 3's `.model` of ranks, a SentencePiece `.model`, BERT's `vocab.txt`.
 *
 * @throws MalformedTokenizerError, UnsupportedTokenizerError
 */
export function tokenizerFromFile(bytes: Uint8Array, options: WordPieceOptions = {}): Tokenizer {
  if (bytes[0] === LINE_FEED && bytes.length > 1) return tokenizerFromSentencePiece(bytes); // field 1: the first piece
  const text = decodeText(bytes);
  if (/^\s*\{/.test(text)) return tokenizerFromJson(text);
  if (/^[A-Za-z0-9+/]+=* \d+\r?\n/.test(text)) return tokenizerFromPublishedRanks(text);
  if (/^\[UNK\]\r?$/m.test(text)) return tokenizerFromWordPieceVocabulary(text, options);
  throw new UnsupportedTokenizerError(
    "file",
    "it is no tokenizer.json, .tiktoken ranks, SentencePiece .model or vocab.txt with a line [UNK].",
  );
}

function decodeText(bytes: Uint8Array): string {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch (cause) {
    throw new MalformedTokenizerError("file", "it is neither UTF-8 nor a SentencePiece model.", { cause });
  }
}
