/** A token's number: its row in the embedding table, 0 … vocabSize − 1. */
export type TokenId = number;

/** How `encode` treats the names of special tokens that occur in the text. */
export interface EncodeOptions {
  /** Special tokens that the text may contain as such; all others are ordinary text. Default: none. */
  readonly allowedSpecial?: "all" | Iterable<string>;
  /**
   * Special tokens whose names in the text are an error rather than ordinary text; "all": all that are not allowed, as
   * tiktoken does. Default: none.
   */
  readonly disallowedSpecial?: "all" | Iterable<string>;
  /** Add what the model expects around a text: `[CLS] … [SEP]`, `<s> …`. Default false. */
  readonly addSpecialTokens?: boolean;
}

/** How `decode` treats special tokens. */
export interface DecodeOptions {
  /** Leave special tokens out of the text. Default false. */
  readonly skipSpecialTokens?: boolean;
}

/** Ids, and which part of the text each stands for. */
export interface EncodingWithOffsets {
  readonly ids: Uint32Array;
  /**
   * For each id two UTF-16 indices: where its text begins, and where it ends, exclusive. A token that is a part of a
   * character has that whole character.
   */
  readonly offsets: Uint32Array;
}

/** Text ↔ token ids. Every tokenizer of this package is one of these. */
export interface Tokenizer {
  /** Number of ids, special tokens included: the height of the embedding table. */
  readonly vocabSize: number;
  /** Tokens with a meaning of their own, such as `<|endoftext|>`, and their ids. */
  readonly specialTokens: ReadonlyMap<string, TokenId>;
  /** Text → ids. Special tokens in `text` are ordinary text unless named in `allowedSpecial`. */
  encode(text: string, options?: EncodeOptions): Uint32Array;
  /** Like `encode`, with the place of each id in the text. Those that are added around it have the place 0, 0. */
  encodeWithOffsets(text: string, options?: EncodeOptions): EncodingWithOffsets;
  /** Ids → text; the inverse of `encode`, where no normalizer or unknown token loses something of the text. */
  decode(ids: Iterable<TokenId>, options?: DecodeOptions): string;
  /** The token as its vocabulary spells it (`Ġthe`, `▁the`, `##ing`), undefined for a number that is no id. */
  token(id: TokenId): string | undefined;
  /** The id of a token that is spelled so, undefined if there is none. */
  tokenId(token: string): TokenId | undefined;
}
