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

/** Jinja's parser runs over the end of what is not closed. */
function describe(error: unknown): string {
  return error instanceof TypeError
    ? "it ends inside of a tag or a block that is not closed"
    : (error as Error).message;
}

/**
 * The line of the tag with which the error begins: the template cut behind that tag, or behind any later one, has the
 * error too. (The parser itself tells no places.)
 */
function faultyLine(source: string, error: unknown): number {
  const ends = [...source.matchAll(/[%}]\}/g)].map(({ index }) => index + 2);
  const first = ends.findLastIndex((end) => errorOf(source.slice(0, end)) !== String(error)) + 1;
  const before = source.slice(0, ends[first] ?? source.length);
  return before.split("\n").length;
}

function errorOf(source: string): string | undefined {
  try {
    new Template(source);
    return undefined;
  } catch (error) {
    return String(error);
  }
}
