import { requireIds, requireText } from "../arguments.ts";
import { MalformedTokenizerError, UnknownCharacterError, UnknownTokenIdError } from "../errors.ts";
import { applyPolicy } from "../special-tokens.ts";
import type { DecodeOptions, EncodeOptions, EncodingWithOffsets, TokenId, Tokenizer } from "../tokenizer.ts";

/**
 * One id per character (Unicode code point); no special tokens.
 *
 * @throws MalformedTokenizerError if an entry is not one character, or is there twice
 * @throws UnknownCharacterError by `encode`, for a character outside the vocabulary
 * @throws UnknownSpecialTokenError by `encode`, if an option names a token
 * @throws UnknownTokenIdError by `decode`, for a number that is no id
 */
export class CharacterTokenizer implements Tokenizer {
  /** The characters in the order of their ids. */
  readonly characters: readonly string[];
  readonly specialTokens: ReadonlyMap<string, TokenId> = new Map();
  private readonly ids: ReadonlyMap<string, TokenId>;

  constructor(characters: readonly string[]) {
    this.characters = characters;
    this.ids = indexCharacters(characters);
  }

  get vocabSize(): number {
    return this.characters.length;
  }

  encode(text: string, options: EncodeOptions = {}): Uint32Array {
    applyPolicy(text, this.specialTokens, options); // there are none: any name is an error
    const ids = new Uint32Array(text.length);
    let count = 0;
    let position = 0;
    for (const character of text) {
      const id = this.ids.get(wellFormed(character));
      if (id === undefined) throw new UnknownCharacterError(character, position);
      ids[count++] = id;
      position += character.length;
    }
    return ids.slice(0, count);
  }

  encodeWithOffsets(text: string, options: EncodeOptions = {}): EncodingWithOffsets {
    const ids = this.encode(text, options);
    const offsets = new Uint32Array(2 * ids.length);
    let end = 0;
    ids.forEach((id, index) => {
      offsets[2 * index] = end;
      end += (this.characters[id] as string).length;
      offsets[2 * index + 1] = end;
    });
    return { ids, offsets };
  }

  decode(ids: Iterable<TokenId>, _options?: DecodeOptions): string {
    requireIds(ids);
    let text = "";
    let position = 0;
    for (const id of ids) {
      const character = this.characters[id];
      if (character === undefined) throw new UnknownTokenIdError(id, position, this.vocabSize);
      text += character;
      position++;
    }
    return text;
  }

  token(id: TokenId): string | undefined {
    return this.characters[id];
  }

  tokenId(token: string): TokenId | undefined {
    return this.ids.get(token);
  }
}

/**
 * The tokenizer whose vocabulary is the sorted set of the text's characters, as nanoGPT prepares shakespeare_char.
 * Characters are Unicode code points, sorted by number; a lone surrogate counts as U+FFFD.
 */
export function characterTokenizer(text: string): CharacterTokenizer {
  requireText(text);
  const characters = new Set<string>();
  for (const character of text) characters.add(wellFormed(character));
  return new CharacterTokenizer([...characters].sort((a, b) => codePoint(a) - codePoint(b)));
}

function indexCharacters(characters: readonly string[]): ReadonlyMap<string, TokenId> {
  const ids = new Map<string, TokenId>();
  characters.forEach((character, id) => {
    const place = `character ${id} (${JSON.stringify(character)})`;
    if ([...character].length !== 1) throw new MalformedTokenizerError(place, "it is not one character.");
    if (wellFormed(character) !== character) throw new MalformedTokenizerError(place, "it is half of a character.");
    if (ids.has(character)) throw new MalformedTokenizerError(place, `character ${ids.get(character)} is the same.`);
    ids.set(character, id);
  });
  return ids;
}

function codePoint(character: string): number {
  return character.codePointAt(0) as number;
}

function wellFormed(character: string): string {
  return character.length === 1 && character >= "\ud800" && character <= "\udfff" ? "\ufffd" : character;
}
