import type { TokenId } from "../tokenizer.ts";

/** Lines of text enough: going over them takes some 60 ms while o200k or cl100k is loaded. */
const LINES = 400;
const ROUNDS = 3;

/** What stands between the words of a line, so that it has what lines of text have. */
const BETWEEN = [
  " ",
  ", ",
  "'s ",
  " ",
  "",
  " (",
  ") ",
  " - ",
  " 12 ",
  ": ",
  " I'll ",
  "; ",
  "! ",
  '. "',
  " 2024",
  ".\n",
];

/** A smaller vocabulary is loaded before anything could be compiled. */
const LARGE = 10_000;

/** Before them stand single bytes. */
const FIRST = 256;

let isWarm = false;

/** What encodes; `token` is undefined for a number that is no id. */
interface Encoder {
  readonly vocabSize: number;
  encode(text: string): Uint32Array;
  decode(ids: Iterable<TokenId>): string;
  token(id: TokenId): string | undefined;
}

/**
 * Lets the engine compile while a vocabulary is loaded, once in a process, and with what runs later: V8 takes the first
 * hundred thousand words of a text to notice that it goes over them in loops, and compiles again where it meets what it
 * has not seen. The text for that are the first tokens of the vocabulary, which are words of English and of programs. The
 * first pass over a megabyte then takes half to two thirds of the time.
 */
export function warmUp(encoder: Encoder): void {
  if (isWarm || encoder.vocabSize < LARGE) return;
  isWarm = true;
  const lines = Array.from({ length: LINES }, (_, line) => lineOf(encoder, line));
  for (let round = 0; round < ROUNDS; round++) for (const line of lines) encoder.encode(line); // new words, then known ones
  encoder.encode(lines.join(""));
}

function lineOf(encoder: Encoder, line: number): string {
  return BETWEEN.map((after, i) => {
    const id = FIRST + line * BETWEEN.length + i;
    return (encoder.token(id) === undefined ? "" : encoder.decode([id])) + after;
  }).join("");
}
