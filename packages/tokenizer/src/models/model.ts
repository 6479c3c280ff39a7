import { LONGEST_WORD, WordTable } from "../byte-pair/word-table.ts";
import { GrowingIds } from "../growing-ids.ts";
import type { TokenId } from "../tokenizer.ts";

/** Turns pieces of text into ids. */
export interface Model {
  /** Tokens and their ids. */
  readonly vocabulary: ReadonlyMap<string, TokenId>;
  /** All tokens by id, where some may be spelled alike. */
  readonly tokens?: readonly string[];
  /**
   * Appends the ids of a piece.
   *
   * @param spans if given, gets for each id where its text begins and ends in `piece`: two UTF-16 indices
   */
  encodeInto(piece: string, ids: GrowingIds, spans?: number[]): void;
}

/** Whether a token is one that text must not become: special, and not the one for what is unknown. */
export function barred(
  special: ReadonlyMap<string, TokenId>,
  unknown: TokenId | undefined,
): (token: string, id: TokenId) => boolean {
  return (token, id) => special.get(token) === id && id !== unknown;
}

/** A model that remembers the ids of pieces met before, within bounds. */
export function remembering(model: Model): Model {
  const words = new WordTable();
  const units = new Uint16Array(LONGEST_WORD); // twice as many as fit, for the table reads behind the end
  const view = new DataView(units.buffer);
  return {
    vocabulary: model.vocabulary,
    ...(model.tokens && { tokens: model.tokens }),
    encodeInto(piece, ids, spans) {
      const size = 2 * piece.length;
      if (spans !== undefined || size > LONGEST_WORD) return model.encodeInto(piece, ids, spans);
      for (let i = 0; i < piece.length; i++) units[i] = piece.charCodeAt(i);
      if (words.append(view, 0, size, ids)) return;
      const fresh = new GrowingIds(0);
      model.encodeInto(piece, fresh);
      const found = Int32Array.from(fresh.finish());
      ids.append(found, 0, found.length);
      words.add(view, 0, size, found, found.length);
    },
  };
}
