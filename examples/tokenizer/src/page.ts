import { htmlEscape as html } from "escape-goat";
import { type ChartRow, dotChart, seriesClass } from "./chart.ts";
import { pageScript, pageStyle } from "./page-assets.ts";
import { type Piece, tokenCount, visible } from "./pieces.ts";
import type { Vocabulary } from "./vocabularies.ts";

/** A text as one vocabulary sees it. */
export interface Reading extends Vocabulary {
  readonly pieces: readonly Piece[];
}

/** What the page shows. */
export interface PageContent {
  readonly bytes: number;
  readonly readings: readonly Reading[];
  readonly languages: readonly ChartRow[];
  readonly languageSource: string;
}

/** One HTML page that needs nothing beside itself: the text in tokens, and tokens per language. */
export function renderPage({ bytes, readings, languages, languageSource }: PageContent): string {
  const names = readings.map(({ name }) => name);
  return [
    `<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">`,
    `<title>What a model reads</title><style>${pageStyle}</style></head><body>`,
    `<header><h1>What a model reads</h1><p>The same text, cut into tokens by ${readings.length === 1 ? "one vocabulary" : `${readings.length} vocabularies`}. Point at a token to see its number, its spelling and its bytes.</p></header>`,
    `<main>${readings.map((reading) => readingSection(reading, bytes)).join("\n")}</main>`,
    html`<section class="languages"><h2>Tokens per sentence</h2><p>The same sentences in ${languages.length} languages (${languageSource}). Further to the left is better: a text of fewer tokens is cheaper to read and to write, and more of it fits into the context.</p>`,
    legend(names, languages),
    dotChart(names, languages),
    `</section><div id="tip" hidden></div><script>${pageScript}</script></body></html>`,
  ].join("\n");
}

/** Which colour is which vocabulary, and what a hollow mark says where there is one. */
function legend(names: readonly string[], languages: readonly ChartRow[]): string {
  const items = names.map((name, index) => html`<li><i class="${seriesClass(index)}"></i>${name}</li>`);
  const isDoubtful = languages.some(({ doubtful }) => doubtful.includes(true));
  if (isDoubtful) items.push(`<li><i class="hollow"></i>hollow: knows many of the characters only as unknown</li>`);
  return `<ul class="legend">${items.join("")}</ul>`;
}

function readingSection({ name, tokenizer, pieces }: Reading, bytes: number): string {
  const count = tokenCount(pieces);
  const facts = [
    [count.toLocaleString("en"), "tokens"],
    [(bytes / count).toFixed(2), "bytes per token"],
    [tokenizer.vocabSize.toLocaleString("en"), "in the vocabulary"],
  ] as const;
  return [
    html`<section><h2>${name}</h2>`,
    `<p class="facts">${facts.map(([value, unit]) => html`<span><b>${value}</b> ${unit}</span>`).join("")}</p>`,
    `<div class="text">${pieces.map((piece, index) => token(tokenizer, piece, index)).join("")}</div></section>`,
  ].join("");
}

function token(tokenizer: Vocabulary["tokenizer"], { text, ids }: Piece, index: number): string {
  const spelled = ids.map((id) => `${id}  ${tokenizer.token(id) ?? ""}`).join("\n");
  const bytes = Buffer.from(text)
    .toString("hex")
    .replace(/(..)(?=.)/g, "$1 ");
  const parts = ids.length > 1 ? " parts" : "";
  return html`<span class="t c${index % 6}${parts}" data-ids="${spelled}" data-bytes="${bytes}">`
    .concat(signed(text))
    .concat("</span>");
}

/** The text with signs for what cannot be seen, paler than the text. */
function signed(text: string): string {
  return text.replace(/[\p{Z}\p{C}]|[^\p{Z}\p{C}]+/gu, (part) =>
    /^[\p{Z}\p{C}]$/u.test(part) ? html`<i>${visible(part)}</i>` : html`${part}`,
  );
}
