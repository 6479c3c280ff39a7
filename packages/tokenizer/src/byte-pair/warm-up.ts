import type { TokenBytes } from "./token-bytes.ts";

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

/** What is rare, but not so rare that a megabyte of text would not have it: code that meets it first is compiled anew. */
const RARE = " \n  we're it'd  Incomprehensibilities zqxjk naïve \n\n  x";
const BETWEEN_RARE = 16;

/** A smaller vocabulary is loaded before anything could be compiled. */
const LARGE = 10_000;

/** Before them stand single bytes. */
const FIRST = 256;

let isWarm = false;

/**
 * Lets the engine compile while a vocabulary is loaded, once in a process, and with what runs later: V8 takes the first
 * hundred thousand words of a text to notice that it goes over them in loops, and compiles again where it meets what it
 * has not seen. The text for that are the first tokens of the vocabulary, which are words of English and of programs. The
 * first pass over a megabyte then takes half to two thirds of the time.
 */
export function warmUp(encode: (text: string) => void, tokens: TokenBytes): void {
  if (isWarm || tokens.vocabSize < LARGE) return;
  isWarm = true;
  const lines = Array.from({ length: LINES }, (_, line) => lineOf(tokens, line));
  for (let round = 0; round < ROUNDS; round++) for (const line of lines) encode(line); // new words, then known ones
  encode(lines.join(""));
}

function lineOf(tokens: TokenBytes, line: number): string {
  const rest = line % BETWEEN_RARE === 0 ? RARE : "";
  const words = BETWEEN.map((after, i) => {
    const bytes = tokens.bytesOf(FIRST + line * BETWEEN.length + i);
    return (bytes === undefined ? "" : utf8.decode(bytes)) + after;
  });
  return rest + words.join("");
}

const utf8 = new TextDecoder();
