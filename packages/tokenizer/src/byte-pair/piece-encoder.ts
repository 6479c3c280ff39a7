import { UnknownByteError } from "../errors.ts";
import type { GrowingIds } from "../growing-ids.ts";
import type { Units } from "../split/character-classes.ts";
import type { Pieces } from "../split/split-text.ts";
import type { TokenId } from "../tokenizer.ts";
import { mergePiece } from "./merge-piece.ts";
import type { MergeRules } from "./merges.ts";
import type { TokenIndex } from "./token-index.ts";
import { writeUtf8 } from "./utf8.ts";
import { WordTable } from "./word-table.ts";

const decoder = new TextDecoder();

/** Pieces of up to so many bytes share one piece of memory. */
const SHARED = 4096;

/** One piece of text → ids: looks it up among the words met before, else among the tokens, else merges its bytes. */
export class PieceEncoder {
  private readonly byteIds: Int32Array; // (256), −1 where no token is that byte
  private readonly rules: MergeRules;
  private readonly wholePieces: TokenIndex | undefined;
  private readonly words = new WordTable();
  private readonly bytes = new Uint8Array(SHARED);
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
  appendAll({ units, start, ends, count }: Pieces, ids: GrowingIds): void {
    const { words } = this;
    let from = start;
    for (let i = 0; i < count; i++) {
      const end = ends[i] as number;
      if (!words.append(units, from, end, ids)) this.appendNew(units, from, end, ids);
      from = end;
    }
  }

  private appendNew(text: Units, start: number, end: number, ids: GrowingIds): void {
    const most = 3 * (end - start);
    const bytes = most <= SHARED ? this.bytes : new Uint8Array(most);
    const parts = most <= SHARED ? this.parts : new Int32Array(most);
    const length = writeUtf8(text, start, end, bytes);
    const count = this.encodeBytes(bytes, length, parts);
    if (count < 0) throw new UnknownByteError(bytes[-count - 1] as number, decoder.decode(bytes.subarray(0, length)));
    ids.append(parts, 0, count);
    this.words.add(text, start, end, parts, count);
  }

  /** The number of tokens, which `parts` then begins with; −1 − position of a byte that has none. */
  private encodeBytes(bytes: Uint8Array, length: number, parts: Int32Array): number {
    const whole = this.wholePieces?.find(bytes, length) ?? -1;
    if (whole >= 0) {
      parts[0] = whole;
      return 1;
    }
    for (let i = 0; i < length; i++) {
      const id = this.byteIds[bytes[i] as number] as TokenId;
      if (id < 0) return -1 - i;
      parts[i] = id;
    }
    return mergePiece(parts, length, this.rules);
  }
}
