import { InvalidPatternError } from "../errors.ts";

/**
 * A split pattern as Python's `regex`, Rust or Oniguruma read it → a sticky regular expression of JavaScript.
 *
 * JavaScript differs: its `\s` has U+FEFF and lacks U+0085, its `\d`, `\w` and `\b` are ASCII, its `.` stops at more than
 * a line feed, its `^` and `$` stand for the text's ends, not those of lines, and it has neither `\A`, `\z`, nor
 * possessive quantifiers (dropped here: in split patterns they only save backtracking), nor, everywhere, `(?i:…)`
 * (each letter becomes the set of its cases). What would mean something else is refused.
 */
export function compilePattern(pattern: string): RegExp {
  try {
    return new RegExp(translate(pattern), "uy");
  } catch (cause) {
    throw new InvalidPatternError(pattern, { cause });
  }
}

const SYNTAX =
  /\\[pP]\{[^}]*\}|\\.|\(\?i:|\(\?(?:[:=!]|<[=!])|\(\?|[()]|\[\^?|\]|(?:[*+?]|\{\d+(?:,\d*)?\})[+?]?|\p{L}-\p{L}|&&|[^]/gsu;

function translate(pattern: string): string {
  let inClass = false;
  const caseless = [false]; // one entry per open group
  let translated = "";
  for (const [part] of pattern.matchAll(SYNTAX)) {
    if (part.startsWith("\\")) translated += translateEscape(part, inClass);
    else if (/^\p{L}/u.test(part)) translated += caseless.at(-1) ? ignoreCase(part, inClass) : part;
    else if (inClass) {
      inClass = part !== "]";
      if (part === "&&") throw unknown("&& in a class");
      if (part.startsWith("[")) throw unknown("a class within a class");
      translated += part;
    } else {
      if (part === "(?") throw unknown("a group that begins with (?");
      if (part === ")") caseless.pop();
      if (part.startsWith("(")) caseless.push(part === "(?i:" || caseless.at(-1) === true);
      inClass = part.startsWith("[");
      translated += PLAIN[part] ?? part.replace(/^(.+)\+$/s, "$1");
    }
  }
  return translated;
}

const WORD = String.raw`\p{Alphabetic}\p{M}\p{Nd}\p{Pc}`;

/** Outside of classes. */
const PLAIN: Readonly<Record<string, string>> = {
  "(?i:": "(?:",
  ".": "[^\\n]",
  "^": "(?:^|(?<=\\n)(?!$))",
  $: "(?=\\n|$)",
  "\\A": "^",
  "\\z": "$",
  "\\Z": "(?=\\n?$)",
  "\\w": `[${WORD}]`,
  "\\W": `[^${WORD}]`,
  "\\b": `(?:(?<=[${WORD}])(?![${WORD}])|(?<![${WORD}])(?=[${WORD}]))`,
  "\\B": `(?:(?<=[${WORD}])(?=[${WORD}])|(?<![${WORD}])(?![${WORD}]))`,
};

function unknown(what: string): SyntaxError {
  return new SyntaxError(`${what} is not supported.`);
}

function translateEscape(escape: string, inClass: boolean): string {
  switch (escape) {
    case "\\s":
      return "\\p{White_Space}";
    case "\\S":
      return "\\P{White_Space}";
    case "\\d":
      return "\\p{Nd}";
    case "\\D":
      return "\\P{Nd}";
    case "\\w":
      if (inClass) return WORD;
      break;
    default:
  }
  const plain = inClass ? undefined : PLAIN[escape];
  if (plain !== undefined) return plain;
  if (/^\\(?:[A-Za-z]|[pP]\{\^)/.test(escape) && !/^\\(?:[nrtfvxu]|[pP]\{[^^])/.test(escape)) throw unknown(escape);
  // JavaScript's Unicode mode forbids to escape what needs none.
  return /^\\[^\w^$\\.*+?()[\]{}|/-]$/u.test(escape) || (escape === "\\-" && !inClass) ? escape.slice(1) : escape;
}

/** A letter, or in a class a range of letters, in all cases. */
function ignoreCase(part: string, inClass: boolean): string {
  return inClass ? cases(part) : part.replace(/\p{L}/gu, (letter) => `[${cases(letter)}]`);
}

/** Letters outside ASCII that Unicode's simple case folding makes equal to one of ASCII. */
const FOLDED = { s: "\u017f", k: "\u212a" };

function cases(letterOrRange: string): string {
  const lower = letterOrRange.toLowerCase();
  const forms = [letterOrRange, lower, letterOrRange.toUpperCase()].filter((form) => form.length === lower.length);
  const [first = "", last = ""] = [lower.at(0), lower.at(-1)];
  const folded = Object.entries(FOLDED).filter(([letter]) => first <= letter && letter <= last);
  return [...new Set(forms), ...folded.map(([, form]) => form)].join("");
}
