import { unspell } from "../byte-alphabet.ts";
import { MalformedTokenizerError } from "../errors.ts";
import { asBoolean, asId, asString, type JsonObject } from "../formats/json.ts";
import { makePart, makeParts, readPattern } from "../parts.ts";
import { readPrependScheme } from "../pre-tokenize/metaspace.ts";
import { sentencePieceRules } from "../sentence-piece.ts";
import { byteRuns, decodeExactly } from "./byte-runs.ts";
import { sentencePieceDecoder } from "./sentence-piece.ts";

/** Changes the tokens of a text; in the end they are put together. */
export type Decoder = (tokens: readonly string[]) => readonly string[];

/** The decoders of a `tokenizer.json`: from tokens as the vocabulary spells them back to text. */
const decoders: Readonly<Record<string, (part: JsonObject, place: string) => Decoder>> = {
  ByteLevel: () => (tokens) => [
    utf8.decode(concatenate(tokens.map((token) => unspell(token) ?? encoder.encode(token)))),
  ],
  ByteFallback: () => (tokens) =>
    byteRuns(tokens).map((run) =>
      typeof run === "string" ? run : (decodeExactly(run) ?? "\ufffd".repeat(run.length)),
    ),
  Metaspace: (part, place) => {
    const space = asString(part.replacement ?? "▁", `${place}.replacement`);
    const dropsFirst = readPrependScheme(part, place) !== "never";
    return (tokens) => tokens.map((token, index) => token.replaceAll(space, dropsFirst && index === 0 ? "" : " "));
  },
  WordPiece: (part, place) => {
    const prefix = asString(part.prefix ?? "##", `${place}.prefix`);
    const cleans = asBoolean(part, "cleanup", place, true);
    return (tokens) =>
      tokens.map((token, index) => {
        const continues = token.startsWith(prefix);
        const text = index === 0 ? token : continues ? token.slice(prefix.length) : ` ${token}`;
        return cleans ? cleanUp(text) : text;
      });
  },
  Replace: (part, place) => {
    const pattern = readPattern(part.pattern, `${place}.pattern`);
    const content = asString(part.content, `${place}.content`);
    return (tokens) => tokens.map((token) => token.replace(pattern, () => content));
  },
  Strip: (part, place) => {
    const content = asString(part.content, `${place}.content`);
    if ([...content].length !== 1)
      throw new MalformedTokenizerError(
        `${place}.content`,
        `expected one character, found ${JSON.stringify(content)}.`,
      );
    const [start, stop] = [asId(part.start, `${place}.start`), asId(part.stop, `${place}.stop`)];
    return (tokens) => tokens.map((token) => strip(token, content, start, stop));
  },
  Fuse: () => (tokens) => [tokens.join("")],
  Sequence: (part, place) => {
    const rules = sentencePieceRules(part, place);
    if (rules !== undefined) return sentencePieceDecoder(rules, place);
    const steps = makeParts(makeDecoder, part.decoders, `${place}.decoders`);
    return (tokens) => steps.reduce((decoded, step) => step(decoded), tokens);
  },
};

export function makeDecoder(part: unknown, place: string): Decoder | undefined {
  return makePart(decoders, part, place);
}

// Without `ignoreBOM` a leading U+FEFF would vanish.
const utf8 = new TextDecoder("utf-8", { ignoreBOM: true });
const encoder = new TextEncoder();

function concatenate(chunks: readonly Uint8Array[]): Uint8Array {
  const all = new Uint8Array(chunks.reduce((length, chunk) => length + chunk.length, 0));
  let length = 0;
  for (const chunk of chunks) {
    all.set(chunk, length);
    length += chunk.length;
  }
  return all;
}

function strip(token: string, content: string, start: number, stop: number): string {
  let [begin, end] = [0, token.length];
  for (let i = 0; i < start && token.startsWith(content, begin); i++) begin += content.length;
  for (let i = 0; i < stop && end - content.length >= begin && token.endsWith(content, end); i++) end -= content.length;
  return token.slice(begin, end);
}

/** The reference's clean-up of English, token by token. */
function cleanUp(token: string): string {
  return token
    .replace(/ ([.?!,])/g, "$1")
    .replaceAll(" ' ", "'")
    .replace(/ (n't|'m)/g, "$1")
    .replaceAll(" do not", " don't")
    .replace(/ ('s|'ve|'re)/g, "$1");
}
