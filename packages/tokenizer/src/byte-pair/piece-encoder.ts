import { UnknownByteError } from "../errors.ts";
import type { GrowingIds } from "../growing-ids.ts";
import { plainWordEnd } from "../split/plain-word.ts";
import type { Stretch } from "../split/split-text.ts";
import type { Utf8 } from "../split/utf8.ts";
import type { TokenId } from "../tokenizer.ts";
import { mergePiece } from "./merge-piece.ts";
import type { MergeRules } from "./merges.ts";
import type { TokenIndex } from "./token-index.ts";
import { WordTable } from "./word-table.ts";

const decoder = new TextDecoder();

/** Pieces of up to so many bytes share one piece of memory. */
const SHARED = 4096;

/** Pieces of text → ids: looks each up among the words met before, else among the tokens, else merges its bytes. */
export class PieceEncoder {
  private readonly byteIds: Int32Array; // (256), −1 where no token is that byte
  private readonly rules: MergeRules;
  private readonly wholePieces: TokenIndex | undefined;
  private readonly words = new WordTable();
  private readonly parts = new Int32Array(SHARED);

  /** @param wholePieces tokens that a piece becomes even where the merges would not lead to them */
  constructor(byteIds: Int32Array, rules: MergeRules, wholePieces?: TokenIndex) {
    this.byteIds = byteIds;
    this.rules = rules;
    this.wholePieces = wholePieces;
  }

  /** Whether there is no text without ids. */
  get takesAllBytes(): boolean {
    return this.byteIds.every((id) => id >= 0);
  }

  /** Appends the ids of all pieces. @throws UnknownByteError */
  appendAll({ bytes, view, length, hasPlainWords, pieceEnd }: Stretch, ids: GrowingIds): void {
    const { words } = this;
    for (let start = 0; start < length; ) {
      const end = (hasPlainWords && plainWordEnd(bytes, start)) || pieceEnd(bytes, start, length);
      if (!words.append(view, start, end, ids)) this.appendNew(bytes, view, start, end, ids);
      start = end;
    }
  }

  private appendNew(bytes: Utf8, view: DataView, start: number, end: number, ids: GrowingIds): void {
    const parts = end - start <= SHARED ? this.parts : new Int32Array(end - start);
    const count = this.encodeBytes(bytes, start, end, parts);
    ids.append(parts, 0, count);
    this.words.add(view, start, end, parts, count);
  }

  /** The number of tokens, which `parts` then begins with. */
  private encodeBytes(bytes: Utf8, start: number, end: number, parts: Int32Array): number {
    const whole = this.wholePieces?.find(bytes, start, end) ?? -1;
    if (whole >= 0) {
      parts[0] = whole;
      return 1;
    }
    for (let i = start; i < end; i++) {
      const id = this.byteIds[bytes[i] as number] as TokenId;
      if (id < 0) throw new UnknownByteError(bytes[i] as number, decoder.decode(bytes.subarray(start, end)));
      parts[i - start] = id;
    }
    return mergePiece(parts, end - start, this.rules);
  }
}
