import { Template } from "@huggingface/jinja";
import { TemplateError } from "./errors.ts";

/** A template, ready to be rendered. @throws TemplateError with the line at fault */
export function parseTemplate(source: string): Template {
  try {
    return new Template(source);
  } catch (cause) {
    throw new TemplateError(describe(cause), { cause, line: faultyLine(source, cause) });
  }
}

/**
 * The tags around what the assistant writes, which Jinja does not know, as a text. A block holds it, so that the lines'
 * ends around it are treated as around the tag.
 */
export function replaceGenerationTags(source: string, text: string): string {
  const tags = /\{%(-?)\s*(?:end)?generation\s*(-?)%\}/g;
  return source.replace(tags, (_, left: string, right: string) => `{%${left} if true %}${text}{% endif ${right}%}`);
}

/** Jinja's parser runs over the end of what is not closed. */
function describe(error: unknown): string {
  return error instanceof TypeError
    ? "it ends inside of a tag or a block that is not closed"
    : (error as Error).message;
}

/**
 * The line of the tag with which the error begins: the template cut behind that tag, or behind any later one, has the
 * error too. (The parser itself tells no places.) Undefined where the template is too long to be tried in so many ways.
 */
function faultyLine(source: string, error: unknown): number | undefined {
  const ends = [...source.matchAll(/[%}]\}/g)].map(({ index }) => index + 2);
  let first = ends.length;
  for (let tried = 0; first > 0; first--) {
    const end = ends[first - 1] as number;
    tried += end;
    if (tried > MOST_TRIED) return undefined;
    if (errorOf(source.slice(0, end)) !== String(error)) break;
  }
  return source.slice(0, ends[first] ?? source.length).split("\n").length;
}

/** Characters, a second's work for the parser. A long template, such as 30,000 characters with 200 tags, has fewer. */
const MOST_TRIED = 2 ** 23;

function errorOf(source: string): string | undefined {
  try {
    new Template(source);
    return undefined;
  } catch (error) {
    return String(error);
  }
}
