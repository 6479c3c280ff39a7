import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { marked } from "marked";
import { expect, it } from "vitest";
import { repository } from "./repository.ts";

const folders = [".", "docs", "docs/decisions", ...["packages", "examples"].flatMap(subfolders), "benchmarks"];
const pages = folders.flatMap(pagesIn);

function subfolders(folder: string): string[] {
  return readdirSync(join(repository, folder)).map((name) => join(folder, name));
}

function pagesIn(folder: string): string[] {
  const names = readdirSync(join(repository, folder)).filter((name) => name.endsWith(".md"));
  return names.map((name) => join(folder, name));
}

/** Targets of the links and pictures of a page that lie in the repository. */
function localTargets(page: string): string[] {
  const targets: string[] = [];
  marked.walkTokens(marked.lexer(readFileSync(join(repository, page), "utf8")), (token) => {
    if (token.type === "link" || token.type === "image") targets.push(token.href.split("#")[0]);
  });
  return targets.filter((target) => target !== "" && !/^[a-z]+:/.test(target));
}

it.each(pages)("%s links only to files that are there", (page) => {
  const missing = localTargets(page).filter((target) => !existsSync(join(repository, dirname(page), target)));
  expect(missing).toEqual([]);
});
