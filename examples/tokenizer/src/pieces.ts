import { decodeStream, type TokenId, type Tokenizer } from "@tessera-lm/tokenizer";

/** A stretch of text that its tokens make together: mostly one, several where each is only a part of a character. */
export interface Piece {
  readonly text: string;
  readonly ids: readonly TokenId[];
}

/** A text as its tokens. */
export function piecesOf(tokenizer: Tokenizer, text: string): Piece[] {
  const stream = decodeStream(tokenizer);
  const pieces: Piece[] = [];
  let ids: TokenId[] = [];
  for (const id of tokenizer.encode(text)) {
    ids.push(id);
    const part = stream.push(id);
    if (part === "") continue;
    pieces.push({ text: part, ids });
    ids = [];
  }
  const rest = stream.end();
  if (ids.length > 0) pieces.push({ text: rest, ids });
  return pieces;
}

export function tokenCount(pieces: readonly Piece[]): number {
  return pieces.reduce((sum, { ids }) => sum + ids.length, 0);
}

/** What cannot be seen, made visible; a line feed keeps its line break. */
export function visible(text: string): string {
  return text.replace(/[\p{Z}\p{C}]/gu, (character) => signs[character] ?? codePoint(character));
}

const signs: Readonly<Record<string, string>> = { " ": "·", "\n": "⏎\n", "\t": "⇥", "\r": "␍" };

function codePoint(character: string): string {
  return `⟨${(character.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, "0")}⟩`;
}
