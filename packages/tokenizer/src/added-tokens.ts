import { MalformedTokenizerError } from "./errors.ts";
import { asArray, asBoolean, asId, asObject, asString } from "./formats/json.ts";
import { wordCharacters } from "./parts.ts";
import { sentencePieceRules } from "./sentence-piece.ts";
import { anyOf, applyPolicy, type CutOptions, isMarked, withoutMark } from "./special-tokens.ts";
import { type Edit, Stretch } from "./stretch.ts";
import { requireSameId } from "./token-ids.ts";
import type { EncodeOptions, TokenId } from "./tokenizer.ts";

/** A token that is found in the text before the model sees it. */
interface AddedToken {
  readonly id: TokenId;
  readonly content: string;
  /** Special tokens are found where {@link EncodeOptions} allow them, others always. */
  readonly special: boolean;
  /** Found in the text after the normalizer, and spelled as the normalizer spells it. */
  readonly normalized: boolean;
  /** Takes the white space before it, or after it, along. */
  readonly lstrip: boolean;
  readonly rstrip: boolean;
  /** Not found within a word. */
  readonly singleWord: boolean;
  /** SentencePiece's normalizer and model find it themselves. */
  readonly isOfModel: boolean;
}

/** Tokens by the text that stands for them. */
type Finder = { readonly pattern: RegExp; readonly tokens: ReadonlyMap<string, AddedToken> };

/** Cuts text at the added tokens of a `tokenizer.json`, which stand before and after its normalizer. */
export class AddedTokens {
  readonly ids: ReadonlyMap<string, TokenId>;
  readonly special: ReadonlyMap<string, TokenId>;
  /** As they are spelled in the text that the model sees. */
  readonly spellings: ReadonlyMap<TokenId, string>;
  private readonly tokens: readonly AddedToken[];
  private readonly normalize: Edit | undefined;
  private readonly finders = new Map<string, readonly (Finder | undefined)[]>();

  constructor(entries: unknown, normalize: Edit | undefined) {
    this.tokens = asArray(entries ?? [], "added_tokens").map(readAddedToken);
    this.ids = new Map(this.tokens.map(({ content, id }) => [content, id]));
    for (const { content, id } of this.tokens) requireSameId(content, id, this.ids);
    this.special = new Map(this.tokens.filter((token) => token.special).map(({ content, id }) => [content, id]));
    this.spellings = new Map(this.tokens.map((token) => [token.id, spelling(token, normalize)]));
    this.normalize = normalize;
  }

  /** Whether all are special and stand for their exact text. */
  get arePlain(): boolean {
    return this.tokens.every(({ special, lstrip, rstrip, singleWord }) => special && !lstrip && !rstrip && !singleWord);
  }

  /** Hands out what stands in the text, in order: added tokens, and normalized stretches between them. */
  cut(
    whole: Stretch,
    options: CutOptions,
    onToken: (id: TokenId, from: Stretch) => void,
    onText: (stretch: Stretch) => void,
  ): void {
    const { mark = "" } = options;
    const { normalize } = this;
    const [before, after] = this.findersFor(whole.text, options);
    cutAt(before, whole, mark, onToken, (marked) => {
      const [stretch, places] = takeOutMarks(marked, mark);
      const normalized = normalize === undefined ? stretch : stretch.apply(normalize);
      cutAt(after, normalized, "", onToken, onText, (start, end) => {
        const [from, to] = (places.length > 0 && normalized.original(start, end)) || [0, 0];
        return places.some((place) => place >= from && place < to);
      });
    });
  }

  private findersFor(text: string, options: EncodeOptions): readonly (Finder | undefined)[] {
    const allowed = applyPolicy(text, this.special, options);
    const key = allowed === "all" ? "all" : JSON.stringify(allowed);
    const known = this.finders.get(key);
    if (known !== undefined) return known;
    const wanted = this.tokens.filter(
      ({ special, content, isOfModel }) => !isOfModel && (!special || allowed === "all" || allowed.includes(content)),
    );
    const finders = [
      finder(
        wanted.filter((token) => !token.normalized),
        undefined,
      ),
      finder(
        wanted.filter((token) => token.normalized),
        this.normalize,
      ),
    ];
    if (this.finders.size >= MOST_FINDERS) this.finders.clear();
    this.finders.set(key, finders);
    return finders;
  }
}

/** Programs allow few sets of special tokens; whoever varies them pays for compiling. */
const MOST_FINDERS = 16;

function readAddedToken(entry: unknown, index: number): AddedToken {
  const place = `added_tokens[${index}]`;
  const token = asObject(entry, place);
  const option = (name: string, fallback = false): boolean => asBoolean(token, name, place, fallback);
  const content = asString(token.content, `${place}.content`);
  if (content === "") throw new MalformedTokenizerError(`${place}.content`, "it is empty.");
  return {
    id: asId(token.id, `${place}.id`),
    content,
    special: option("special"),
    normalized: option("normalized", true),
    lstrip: option("lstrip"),
    rstrip: option("rstrip"),
    singleWord: option("single_word"),
    isOfModel: sentencePieceRules(token, place) !== undefined,
  };
}

function spelling({ content, normalized }: AddedToken, normalize: Edit | undefined): string {
  return normalized && normalize !== undefined ? normalize(content) : content;
}

/** Finds the leftmost token, and the longest of those that begin there. */
function finder(tokens: readonly AddedToken[], normalize: Edit | undefined): Finder | undefined {
  const byText = new Map<string, AddedToken>();
  for (const token of tokens) {
    const text = spelling(token, normalize);
    if (text !== "" && !byText.has(text)) byText.set(text, token);
  }
  if (byText.size === 0) return undefined;
  return { pattern: new RegExp(anyOf([...byText.keys()]), "gu"), tokens: byText };
}

/** The stretch without its marks, and where they stood in it. Only with marks are places asked of it. */
function takeOutMarks(stretch: Stretch, mark: string): readonly [Stretch, places: readonly number[]] {
  const [first = "", ...others] = mark === "" ? [] : stretch.text.split(mark);
  if (others.length === 0) return [stretch, []];
  const places: number[] = [];
  let text = first;
  for (const part of others) {
    places.push(text.length);
    text += part;
  }
  return [Stretch.withOffsets(text, stretch.isFirst), places];
}

function cutAt(
  finder: Finder | undefined,
  stretch: Stretch,
  mark: string,
  onToken: (id: TokenId, from: Stretch) => void,
  onText: (stretch: Stretch) => void,
  isText: (start: number, end: number) => boolean = (start) => isMarked(stretch.text, start, mark),
): void {
  const { text } = stretch;
  let cut = 0;
  for (const match of finder === undefined ? [] : text.matchAll(finder.pattern)) {
    const token = finder?.tokens.get(match[0]) as AddedToken;
    let start = match.index;
    let end = start + match[0].length;
    if (start < cut || isText(start, end)) continue;
    if (token.singleWord && isWithinWord(text, start, end, mark)) continue;
    if (token.lstrip) while (start > cut && SPACE.test(text.charAt(start - 1))) start--;
    if (token.rstrip) while (end < text.length && SPACE.test(text.charAt(end))) end++;
    if (cut < start) onText(stretch.slice(cut, start));
    onToken(token.id, stretch.slice(start, end));
    cut = end;
  }
  if (cut < text.length) onText(cut === 0 ? stretch : stretch.slice(cut, text.length));
}

const SPACE = /\p{White_Space}/u;
const WORD_AT_END = new RegExp(`[${wordCharacters}]$`, "u");
const WORD_AT_START = new RegExp(`^[${wordCharacters}]`, "u");

function isWithinWord(text: string, start: number, end: number, mark: string): boolean {
  const before = withoutMark(text.slice(Math.max(0, start - 4), start), mark);
  const after = withoutMark(text.slice(end, end + 4), mark);
  return WORD_AT_END.test(before) || WORD_AT_START.test(after);
}
