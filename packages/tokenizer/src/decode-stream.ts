import { requireIds } from "./arguments.ts";
import { unspell } from "./byte-alphabet.ts";
import { BytePairTokenizer } from "./byte-pair/bpe.ts";
import { byteOf } from "./decode/byte-runs.ts";
import { UnknownTokenIdError } from "./errors.ts";
import { PipelineTokenizer } from "./pipeline.ts";
import type { DecodeOptions, TokenId, Tokenizer } from "./tokenizer.ts";

/** Turns ids, one by one, into text. All that it returns, put together, is `decode` of all ids. */
export interface DecodeStream {
  /** The text that is certain after this id, often none: never half a character. @throws UnknownTokenIdError */
  push(id: TokenId): string;
  /** The rest of the text; what is no whole character becomes U+FFFD. The stream can then begin anew. */
  end(): string;
}

export interface DecodeStreamOptions extends DecodeOptions {
  /**
   * Ids that stand before the first, such as a prompt's. Their text is not returned, but some decoders drop the space
   * of the first token of all. Default: none.
   */
  readonly after?: Iterable<TokenId>;
}

/** Text from ids as they come, for a loop of one's own. */
export function decodeStream(tokenizer: Tokenizer, options?: DecodeStreamOptions): DecodeStream;
/** The text of ids as they come, in parts that are not empty: `for await (const text of decodeStream(tokenizer, ids))`. */
export function decodeStream(
  tokenizer: Tokenizer,
  ids: AsyncIterable<TokenId> | Iterable<TokenId>,
  options?: DecodeStreamOptions,
): AsyncGenerator<string, void, undefined>;
export function decodeStream(
  tokenizer: Tokenizer,
  idsOrOptions: AsyncIterable<TokenId> | Iterable<TokenId> | DecodeStreamOptions = {},
  options: DecodeStreamOptions = {},
): DecodeStream | AsyncGenerator<string, void, undefined> {
  if (typeof idsOrOptions !== "object" || idsOrOptions === null) requireIds(idsOrOptions);
  if (Symbol.asyncIterator in idsOrOptions || Symbol.iterator in idsOrOptions) {
    return decodeAll(makeStream(tokenizer, options), idsOrOptions);
  }
  return makeStream(tokenizer, idsOrOptions);
}

function makeStream(
  tokenizer: Tokenizer,
  { skipSpecialTokens = false, after = [] }: DecodeStreamOptions,
): DecodeStream {
  requireIds(after);
  const skipped = new Set(skipSpecialTokens ? tokenizer.specialTokens.values() : []);
  const before = [...after].filter((id) => !skipped.has(id));
  const isByteLevel =
    tokenizer instanceof BytePairTokenizer ||
    (tokenizer instanceof PipelineTokenizer && tokenizer.definition.decoder?.type === "ByteLevel");
  return new (isByteLevel ? ByteDecoder : WindowDecoder)(tokenizer, skipped, before);
}

async function* decodeAll(
  stream: DecodeStream,
  ids: AsyncIterable<TokenId> | Iterable<TokenId>,
): AsyncGenerator<string, void, undefined> {
  for await (const id of ids) {
    const text = stream.push(id);
    if (text !== "") yield text;
  }
  const rest = stream.end();
  if (rest !== "") yield rest;
}

/** Byte-level tokens: the text is that of their bytes, one after the other. */
class ByteDecoder implements DecodeStream {
  private readonly tokenizer: Tokenizer;
  private readonly skipped: ReadonlySet<TokenId>;
  private readonly utf8 = new TextDecoder("utf-8", { ignoreBOM: true });
  private position = 0;

  constructor(tokenizer: Tokenizer, skipped: ReadonlySet<TokenId>, before: readonly TokenId[]) {
    this.tokenizer = tokenizer;
    this.skipped = skipped;
    // A character that has begun there has at most three bytes.
    for (const id of before.slice(-3)) this.utf8.decode(this.bytesOf(id), { stream: true });
  }

  push(id: TokenId): string {
    const bytes = this.skipped.has(id) ? NO_BYTES : this.bytesOf(id);
    this.position++;
    return this.utf8.decode(bytes, { stream: true });
  }

  end(): string {
    this.position = 0;
    return this.utf8.decode();
  }

  /** A token without a broken character is its text; the spelling of any other says its bytes. */
  private bytesOf(id: TokenId): Uint8Array {
    const text = decodeAt(this.position, this.tokenizer, [id]);
    const bytes = text.includes("\ufffd") ? unspell(this.tokenizer.token(id) ?? text) : undefined;
    return bytes ?? encoder.encode(text);
  }
}

const NO_BYTES = new Uint8Array();
const encoder = new TextEncoder();

/** The text of ids, of which the last is new. @throws UnknownTokenIdError with its place in the stream */
function decodeAt(position: number, tokenizer: Tokenizer, ids: readonly TokenId[]): string {
  try {
    return tokenizer.decode(ids);
  } catch (error) {
    if (!(error instanceof UnknownTokenIdError)) throw error;
    throw new UnknownTokenIdError(ids.at(-1) as TokenId, position, tokenizer.vocabSize);
  }
}

/**
 * Decodes a window of the last ids: those whose text is not certain yet, and before them enough of the others for the
 * decoder to know that it is not at the beginning of the text, where many drop a space.
 */
class WindowDecoder implements DecodeStream {
  private readonly tokenizer: Tokenizer;
  private readonly skipped: ReadonlySet<TokenId>;
  private window: TokenId[] = [];
  /** How much of the window's text has been returned, in UTF-16 units. */
  private returned = 0;
  private position = 0;

  constructor(tokenizer: Tokenizer, skipped: ReadonlySet<TokenId>, before: TokenId[]) {
    this.tokenizer = tokenizer;
    this.skipped = skipped;
    this.window = before;
    this.keep(1);
  }

  push(id: TokenId): string {
    if (this.skipped.has(id)) return this.pass("");
    const isByte = this.isByte(id);
    const text = isByte ? "" : decodeAt(this.position, this.tokenizer, [...this.window, id]);
    this.window.push(id);
    if (isByte) return this.pass("");
    const certain = this.endsInPart(text, id) ? text.length - 1 : text.length;
    const news = text.slice(this.returned, certain);
    this.returned = certain;
    if (certain === text.length) this.keep(1);
    else if (this.window.length > LONGEST_WINDOW) this.cut(text);
    return this.pass(news);
  }

  end(): string {
    const rest = this.tokenizer.decode(this.window).slice(this.returned);
    this.window = [];
    this.returned = 0;
    this.position = 0;
    return rest;
  }

  private pass(text: string): string {
    this.position++;
    return text;
  }

  /** A byte of a character that has no token. What such bytes say is certain only after the last of them. */
  private isByte(id: TokenId): boolean {
    return byteOf(this.tokenizer.token(id) ?? "") !== undefined;
  }

  /** Whether the text ends in bytes that further ones may complete. They are one U+FFFD, however many they are. */
  private endsInPart(text: string, lastId: TokenId): boolean {
    return text.endsWith("\ufffd") && !this.tokenizer.token(lastId)?.endsWith("\ufffd");
  }

  /** Keeps the last `count` ids, or more if these have no text: some decoders drop the first space of what they see. */
  private keep(count: number): void {
    const kept = this.window.slice(-count);
    const text = this.tokenizer.decode(kept);
    if (text === "" && count < Math.min(this.window.length, LONGEST_WINDOW)) return this.keep(count + 1);
    const isCut = text === "" && kept.length < this.window.length;
    this.window = isCut ? this.window.slice(0, 1).concat(kept) : kept;
    this.returned = this.tokenizer.decode(this.window).length;
  }

  /** Shortens a window of broken characters: no character reaches over a cut whose sides decode to the same text. */
  private cut(text: string): void {
    for (let start = this.window.length - 1; start > 1; start--) {
      const [before, after] = [this.window.slice(0, start), this.window.slice(start)];
      const textAfter = this.tokenizer.decode(after);
      if (this.tokenizer.decode(before) + textAfter !== text) continue;
      this.window = after;
      this.returned = textAfter.length - 1;
      return;
    }
  }
}

const LONGEST_WINDOW = 16;
