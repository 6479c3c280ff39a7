import type { GrowingIds } from "../growing-ids.ts";
import { utf8Length } from "../split/utf8.ts";
import type { TokenId } from "../tokenizer.ts";
import type { TokenBytes } from "./token-bytes.ts";

/**
 * Appends for each id where its bytes begin and end in `text`, which the ids spell: two UTF-16 indices, counted from
 * `offset`. A token that is a part of a character has that whole character.
 */
export function pushOffsets(
  text: string,
  offset: number,
  ids: Iterable<TokenId>,
  tokens: TokenBytes,
  offsets: GrowingIds,
): void {
  let index = 0;
  let bytesBefore = 0; // of the character at `index`
  for (const id of ids) {
    offsets.push(offset + index);
    let bytes = bytesBefore + tokens.lengthOf(id);
    while (bytes > 0) {
      const codePoint = text.codePointAt(index) as number;
      const length = utf8Length(codePoint);
      if (bytes < length) break;
      bytes -= length;
      index += codePoint > 0xffff ? 2 : 1;
    }
    bytesBefore = bytes;
    const isCut = bytes > 0;
    offsets.push(offset + index + (isCut ? ((text.codePointAt(index) as number) > 0xffff ? 2 : 1) : 0));
  }
}
