import { requireIds, roomForIds } from "../arguments.ts";
import { spell } from "../byte-alphabet.ts";
import { GrowingIds } from "../growing-ids.ts";
import { cutAtSpecialTokens, withoutSpecialTokens } from "../special-tokens.ts";
import { TextSplitter } from "../split/split-text.ts";
import type { DecodeOptions, EncodeOptions, EncodingWithOffsets, TokenId, Tokenizer } from "../tokenizer.ts";
import { ImpliedMerges, ListedMerges, type Merge } from "./merges.ts";
import { pushOffsets } from "./offsets.ts";
import { PieceEncoder } from "./piece-encoder.ts";
import { TokenBytes } from "./token-bytes.ts";
import { TokenIndex } from "./token-index.ts";
import { listTokens, type TokenList } from "./token-list.ts";
import { TokenText } from "./token-text.ts";
import { warmUp } from "./warm-up.ts";

/** Everything that defines a byte-level BPE tokenizer. Tokens are spelled in GPT-2's byte alphabet (`Ġthe`). */
export interface BytePairDefinition {
  /** Ordinary tokens and their ids. */
  readonly vocabulary: ReadonlyMap<string, TokenId>;
  /**
   * Pairs of tokens that merge, first come first. Absent: any two tokens that spell a third merge, the lowest id
   * first, which is tiktoken's rule.
   */
  readonly merges?: readonly Merge[];
  /** How text is cut into pieces that merge on their own, see {@link splitPatterns}; null: not at all. */
  readonly pattern: string | null;
  /** Tokens outside the byte alphabet, such as `<|endoftext|>`, and their ids. */
  readonly specialTokens?: ReadonlyMap<string, TokenId>;
  /** A piece that is a token becomes that token even where the merges would not lead to it. Default false. */
  readonly ignoreMerges?: boolean;
}

/**
 * Byte-level byte-pair encoding (Sennrich et al. 2016; bytes as in GPT-2, Radford et al. 2019): text is cut into
 * pieces, each piece starts as its UTF-8 bytes, and the pair of lowest rank merges until none is left.
 *
 * Lone surrogates, which no UTF-8 text can hold, become U+FFFD.
 *
 * @throws MalformedTokenizerError if ids repeat or merges name tokens that the vocabulary lacks
 * @throws InvalidPatternError if the split pattern does not compile
 * @throws PieceTooLongError by `encode`, where millions of characters follow each other without a border
 */
export class BytePairTokenizer implements Tokenizer {
  readonly vocabSize: number;
  readonly specialTokens: ReadonlyMap<string, TokenId>;
  /** What the tokenizer was made from, for saving it. */
  readonly definition: BytePairDefinition;

  private readonly specialNames: ReadonlyMap<TokenId, string>;
  private readonly splitter: TextSplitter;
  private readonly tokenBytes: TokenBytes;
  private readonly pieces: PieceEncoder;
  private tokenText: TokenText | undefined; // made when first needed

  /** @param tokens the vocabulary as a list, where a file was read into one, so that its spellings need not be made */
  constructor(definition: BytePairDefinition, tokens: TokenList = listTokens(definition.vocabulary)) {
    this.definition = definition;
    this.specialTokens = definition.specialTokens ?? new Map();
    this.specialNames = new Map([...this.specialTokens].map(([name, id]) => [id, name]));
    this.splitter = new TextSplitter(definition.pattern);
    this.tokenBytes = new TokenBytes(tokens, this.specialTokens);
    this.vocabSize = this.tokenBytes.vocabSize;
    this.pieces = pieceEncoder(definition, this.tokenBytes, tokens);
    if (this.splitter.isKnown && this.pieces.takesAllBytes) warmUp((text) => this.encode(text), this.tokenBytes);
  }

  encode(text: string, options: EncodeOptions = {}): Uint32Array {
    const ids = roomForIds(text);
    for (const part of cutAtSpecialTokens(text, this.specialTokens, options)) {
      if (typeof part === "number") ids.push(part);
      else this.encodeInto(part, ids);
    }
    return ids.finish();
  }

  encodeWithOffsets(text: string, options: EncodeOptions = {}): EncodingWithOffsets {
    const ids = roomForIds(text);
    const offsets = new GrowingIds(text.length);
    let position = 0;
    for (const part of cutAtSpecialTokens(text, this.specialTokens, options)) {
      const start = position;
      if (typeof part === "number") {
        position += (this.specialNames.get(part) as string).length;
        ids.push(part);
        offsets.append([start, position]);
      } else {
        const first = ids.length;
        this.encodeInto(part, ids);
        pushOffsets(part, start, ids.view(first), this.tokenBytes, offsets);
        position += part.length;
      }
    }
    return { ids: ids.finish(), offsets: offsets.finish() };
  }

  decode(ids: Iterable<TokenId>, options: DecodeOptions = {}): string {
    requireIds(ids);
    this.tokenText ??= new TokenText(this.tokenBytes);
    return this.tokenText.decode(options.skipSpecialTokens ? withoutSpecialTokens(ids, this.specialTokens) : ids);
  }

  token(id: TokenId): string | undefined {
    const bytes = this.tokenBytes.bytesOf(id);
    return bytes && (this.specialNames.get(id) ?? spell(bytes));
  }

  tokenId(token: string): TokenId | undefined {
    return this.specialTokens.get(token) ?? this.definition.vocabulary.get(token);
  }

  /** Appends the ids of a text in which no special token is looked for. */
  encodeInto(text: string, ids: GrowingIds): void {
    for (const stretch of this.splitter.stretches(text)) this.pieces.appendAll(stretch, ids);
  }
}

function pieceEncoder(definition: BytePairDefinition, tokens: TokenBytes, list: TokenList): PieceEncoder {
  const { merges, ignoreMerges } = definition;
  const index = merges === undefined || ignoreMerges === true ? new TokenIndex(tokens, list) : undefined;
  const rules =
    merges === undefined ? new ImpliedMerges(index as TokenIndex) : new ListedMerges(definition.vocabulary, merges);
  return new PieceEncoder(tokens.idsOfBytes(list), rules, ignoreMerges ? index : undefined);
}
