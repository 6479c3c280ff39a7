import { MalformedTokenizerError } from "../errors.ts";
import { PipelineTokenizer } from "../pipeline.ts";
import type { TokenId } from "../tokenizer.ts";
import { describeAddedToken } from "./definition.ts";

/** What a `vocab.txt` leaves unsaid. */
export interface WordPieceOptions {
  /** Whether text is lowercased and loses its accents. Default: whether no token has a capital letter. */
  readonly lowercase?: boolean;
}

const SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"];

/**
 * BERT's tokenizer from its `vocab.txt`: one token per line, whose number, from 0, is the id.
 *
 * @throws MalformedTokenizerError naming the line at fault
 */
export function tokenizerFromWordPieceVocabulary(text: string, options: WordPieceOptions = {}): PipelineTokenizer {
  const tokens = text.replace(/\r?\n$/, "").split(/\r?\n/);
  const vocab = new Map<string, TokenId>();
  tokens.forEach((token, id) => {
    if (vocab.has(token))
      throw new MalformedTokenizerError(`vocab.txt, line ${id + 1}`, `${JSON.stringify(token)} stands further up.`);
    vocab.set(token, id);
  });
  const { lowercase = !tokens.some((token) => !SPECIAL.includes(token) && /^(?:##)?\p{Lu}/u.test(token)) } = options;
  return new PipelineTokenizer({
    added_tokens: SPECIAL.filter((name) => vocab.has(name)).map((name) => describeAddedToken(name, idOf(name, vocab))),
    normalizer: {
      type: "BertNormalizer",
      clean_text: true,
      handle_chinese_chars: true,
      strip_accents: null,
      lowercase,
    },
    pre_tokenizer: { type: "BertPreTokenizer" },
    post_processor: {
      type: "BertProcessing",
      sep: ["[SEP]", idOf("[SEP]", vocab)],
      cls: ["[CLS]", idOf("[CLS]", vocab)],
    },
    decoder: { type: "WordPiece", prefix: "##", cleanup: true },
    model: {
      type: "WordPiece",
      unk_token: "[UNK]",
      continuing_subword_prefix: "##",
      max_input_chars_per_word: 100,
      vocab: Object.fromEntries(vocab),
    },
  });
}

function idOf(token: string, vocab: ReadonlyMap<string, TokenId>): TokenId {
  const id = vocab.get(token);
  if (id !== undefined) return id;
  throw new MalformedTokenizerError("vocab.txt", `no line is ${token}, which BERT puts around a text.`);
}
