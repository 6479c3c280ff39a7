import { spell } from "../byte-alphabet.ts";
import { UnknownByteError } from "../errors.ts";
import { GrowingIds } from "../growing-ids.ts";
import { cutAtSpecialTokens, withoutSpecialTokens } from "../special-tokens.ts";
import { TextSplitter } from "../split/split-text.ts";
import type { DecodeOptions, EncodeOptions, TokenId, Tokenizer } from "../tokenizer.ts";
import { mergePiece } from "./merge-piece.ts";
import { buildPairTable, type Merge } from "./merges.ts";
import type { PairTable } from "./pair-table.ts";
import { PieceCache } from "./piece-cache.ts";
import { TokenBytes } from "./token-bytes.ts";

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
  private readonly byteIds: Int32Array; // (256)
  private readonly pairs: PairTable;
  private readonly wholePieces: ReadonlyMap<string, TokenId> | undefined;
  private readonly cache = new PieceCache();

  constructor(definition: BytePairDefinition) {
    this.definition = definition;
    this.specialTokens = definition.specialTokens ?? new Map();
    this.specialNames = new Map([...this.specialTokens].map(([name, id]) => [id, name]));
    this.splitter = new TextSplitter(definition.pattern);
    this.tokenBytes = new TokenBytes(definition.vocabulary, this.specialTokens);
    this.vocabSize = this.tokenBytes.vocabSize;
    this.byteIds = this.tokenBytes.idsOfBytes(definition.vocabulary.values());
    this.pairs = buildPairTable(definition.vocabulary, definition.merges);
    if (definition.ignoreMerges) this.wholePieces = definition.vocabulary;
  }

  encode(text: string, options: EncodeOptions = {}): Uint32Array {
    const ids = new GrowingIds(text.length >> 1);
    for (const part of cutAtSpecialTokens(text, this.specialTokens, options)) {
      if (typeof part === "number") ids.push(part);
      else this.encodeInto(part, ids);
    }
    return ids.finish();
  }

  decode(ids: Iterable<TokenId>, options: DecodeOptions = {}): string {
    return this.tokenBytes.decode(options.skipSpecialTokens ? withoutSpecialTokens(ids, this.specialTokens) : ids);
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
    for (let start = 0; start < text.length; ) {
      const end = this.splitter.pieceEnd(text, start);
      ids.append(this.encodePiece(text.slice(start, end)));
      start = end;
    }
  }

  private encodePiece(piece: string): Int32Array {
    const known = this.cache.get(piece);
    if (known !== undefined) return known;
    const ids = this.mergeBytes(piece);
    this.cache.set(piece, ids);
    return ids;
  }

  private mergeBytes(piece: string): Int32Array {
    const bytes = utf8.encode(piece);
    const whole = this.wholePieces?.get(spell(bytes));
    if (whole !== undefined) return Int32Array.of(whole);
    const ids = Int32Array.from(bytes, (byte) => this.byteIds[byte] as number);
    const missing = ids.indexOf(-1);
    if (missing >= 0) throw new UnknownByteError(bytes[missing] as number, piece);
    return mergePiece(ids, this.pairs);
  }
}

const utf8 = new TextEncoder();
