import { PieceTooLongError, UnsupportedTokenizerError } from "../errors.ts";
import { asBoolean, asString, type JsonObject } from "../formats/json.ts";
import { punctuation } from "../normalize/character-classes.ts";
import { makePart, makeParts, readPattern, wordCharacters } from "../parts.ts";
import { prepend, type Stretch } from "../stretch.ts";
import { metaspace } from "./metaspace.ts";

/** Cuts a stretch into pieces, which are handed to `emit` in order. None is empty. */
export type PreTokenizer = (stretch: Stretch, emit: (piece: Stretch) => void) => void;

/** The pre-tokenizers of a `tokenizer.json`: what cuts a text into pieces that the model sees one by one. */
const preTokenizers: Readonly<Record<string, (part: JsonObject, place: string) => PreTokenizer>> = {
  Split: (part, place) => {
    const behavior = asString(part.behavior, `${place}.behavior`);
    return split(readPattern(part.pattern, `${place}.pattern`), behavior, asBoolean(part, "invert", place, false));
  },
  BertPreTokenizer: () => {
    const mark = punctuation();
    return split(new RegExp(`[^\\p{White_Space}${mark}]+|${mark}`, "gv"), "Removed", true);
  },
  Whitespace: () =>
    split(new RegExp(`[${wordCharacters}]+|[^${wordCharacters}\\p{White_Space}]+`, "gu"), "Removed", true),
  WhitespaceSplit: () => split(/\P{White_Space}+/gu, "Removed", true),
  Punctuation: (part, place) =>
    split(new RegExp(punctuation(), "gv"), asString(part.behavior ?? "Isolated", `${place}.behavior`)),
  Digits: (part, place) =>
    split(/\p{N}/gu, asBoolean(part, "individual_digits", place, false) ? "Isolated" : "Contiguous"),
  Metaspace: metaspace,
  /** Bytes are the model's business here: what is left is the space before the text. */
  ByteLevel: (part, place) => {
    const addsSpace = asBoolean(part, "add_prefix_space", place, true);
    return (stretch, emit) => emit(addsSpace && !stretch.text.startsWith(" ") ? stretch.apply(prepend(" ")) : stretch);
  },
  Sequence: (part, place) =>
    makeChain(part.pretokenizers, `${place}.pretokenizers`) ?? ((stretch, emit) => emit(stretch)),
};

export function makePreTokenizer(part: unknown, place: string): PreTokenizer | undefined {
  return makePart(preTokenizers, part, place);
}

/** One pre-tokenizer after the other; undefined if there are none. */
export function makeChain(steps: unknown, place: string): PreTokenizer | undefined {
  const made = makeParts(makePreTokenizer, steps, place);
  if (made.length === 0) return undefined;
  return made.reduceRight((rest, step) => (stretch, emit) => step(stretch, (piece) => rest(piece, emit)));
}

/** Where a match, or a text between two, begins a piece, given what stood before it; the rest is the same for all. */
type Begins = (isMatch: boolean, wasMatch: boolean) => boolean;

const behaviors: Readonly<Record<string, Begins>> = {
  Removed: () => true,
  Isolated: () => true,
  MergedWithPrevious: (isMatch, wasMatch) => !isMatch || wasMatch,
  MergedWithNext: (isMatch, wasMatch) => isMatch || !wasMatch,
  Contiguous: (isMatch, wasMatch) => isMatch !== wasMatch,
};

/** Cuts at the matches of a pattern; `invert`: at what stands between them. */
function split(pattern: RegExp, behavior: string, invert = false): PreTokenizer {
  const begins = Object.hasOwn(behaviors, behavior) ? behaviors[behavior] : undefined;
  if (begins === undefined)
    throw new UnsupportedTokenizerError(
      `Split behavior ${JSON.stringify(behavior)}`,
      `known are ${Object.keys(behaviors).join(", ")}.`,
    );
  const removes = behavior === "Removed";
  return (stretch, emit) => {
    const { text } = stretch;
    let start = 0; // of the piece that is not emitted yet
    let wasMatch: boolean | undefined;
    const part = (from: number, to: number, isMatch: boolean): void => {
      if (from === to) return;
      if (wasMatch !== undefined && from > start && begins(isMatch, wasMatch)) {
        if (!(removes && wasMatch)) emit(stretch.slice(start, from));
        start = from;
      }
      wasMatch = isMatch;
    };
    let end = 0;
    for (const [from, to] of matches(pattern, text)) {
      part(end, from, invert);
      part(from, to, !invert);
      end = to;
    }
    part(end, text.length, invert);
    if (start < text.length && !(removes && wasMatch)) emit(stretch.slice(start, text.length));
  };
}

function* matches(pattern: RegExp, text: string): Generator<readonly [start: number, end: number]> {
  let end = 0;
  try {
    for (const match of text.matchAll(pattern)) {
      end = match.index + match[0].length;
      yield [match.index, end];
    }
  } catch (cause) {
    if (!(cause instanceof RangeError || cause instanceof SyntaxError)) throw cause;
    throw new PieceTooLongError(end, { cause });
  }
}
