import { requireModel, requireOptions } from "../require-argument.ts";
import { type Inspectable, type Inspection, type InspectOptions, inspect } from "./inspect.ts";
import type { Prediction } from "./logits.ts";
import { PAGE_SCRIPT } from "./page-script.ts";
import { PAGE_STYLE } from "./page-style.ts";

/** What a page needs of a tokenizer. */
export interface TextCodec {
  /** @param options ask for what the model expects around a text: `<s>` before it, `[CLS] … [SEP]` */
  encode(text: string, options: { readonly addSpecialTokens: boolean }): Iterable<number>;
  decode(ids: Iterable<number>): string;
}

export interface InspectPageOptions extends InspectOptions {
  /** Stands above the page. Default: the class of the model. */
  readonly title?: string;
}

/**
 * A page of HTML, with nothing beside itself, that shows what a model makes of a text: its tokens coloured by their
 * probability, with the alternatives; where each head looks; what each layer would say; the neighbours of each token.
 * @throws as {@link inspect}
 */
export async function inspectPage(
  model: Inspectable,
  tokenizer: TextCodec,
  text: string,
  options: InspectPageOptions = {},
): Promise<string> {
  requireModel("inspectPage", model);
  requireOptions("inspectPage", options);
  const inspection = await inspect(model, tokenizer.encode(text, { addSpecialTokens: true }), options);
  const title = options.title ?? model.constructor.name;
  const data = await pageData(inspection, textsAfter(inspection.tokens, tokenizer));
  return page(title, data);
}

/** What the page's program reads. Tokens stand in one list, and everywhere else by their place in it. */
async function pageData(inspection: Inspection, textOf: (id: number) => string): Promise<object> {
  const places = new Map<number, number>();
  const names: [id: number, text: string][] = [];
  const place = (id: number): number => {
    const known = places.get(id);
    if (known !== undefined) return known;
    places.set(id, names.length);
    names.push([id, textOf(id)]);
    return names.length - 1;
  };
  const short = (prediction: Prediction | undefined): object | null =>
    prediction === undefined
      ? null
      : {
          top: prediction.top.map(({ token, probability }) => [place(token), rounded(probability)]),
          ...(prediction.probability !== undefined && { p: rounded(prediction.probability), rank: prediction.rank }),
        };
  const { tokens, causal, expected, next, attention, lens, neighbors } = inspection;
  return {
    causal,
    tokens: tokens.map(place),
    expected: expected.map(short),
    next: short(next),
    attention: await Promise.all(
      attention.map(async ({ path, shape: [, heads], weights }) => ({
        path,
        heads,
        weights: await packed(weights, tokens.length),
      })),
    ),
    lens: lens.map((row) => row.map(({ top, ...rest }) => short({ top: top.slice(0, 3), ...rest }))),
    neighbors: [...neighbors].map(([id, near]) => [
      place(id),
      near.map(({ token, similarity }) => [place(token), rounded(similarity)]),
    ]),
    names,
  };
}

/**
 * The text of a token with its space in front, which some tokenizers leave out at the beginning: what the token adds to
 * one of the text that is neither blank nor a part of a character.
 */
function textsAfter(tokens: readonly number[], tokenizer: TextCodec): (id: number) => string {
  const isWord = (id: number): boolean => /^[^\s\ufffd]+$/.test(tokenizer.decode([id]));
  const word = tokens.find(isWord);
  return (id) => {
    const before = word ?? id;
    return tokenizer.decode([before, id]).slice(tokenizer.decode([before]).length);
  };
}

const rounded = (value: number): number => Number(value.toPrecision(4));

/**
 * Each row's weights as bytes in steps of the square root, its largest as 255, compressed and in base64. Since a row
 * adds up to 1, the largest need not be told; each weight is exact to within 0.4 % of it, small ones to within less.
 */
async function packed(weights: Float32Array, rowLength: number): Promise<string> {
  const bytes = new Uint8Array(weights.length);
  for (let start = 0; start < weights.length; start += rowLength) {
    const row = weights.subarray(start, start + rowLength);
    const most = Math.max(...row);
    bytes.set(
      row.map((weight) => Math.round(255 * Math.sqrt(weight / most))),
      start,
    );
  }
  const stream = new Blob([bytes]).stream().pipeThrough(new CompressionStream("deflate-raw"));
  const small = new Uint8Array(await new Response(stream).arrayBuffer());
  let binary = "";
  for (let at = 0; at < small.length; at += CHUNK) binary += String.fromCharCode(...small.subarray(at, at + CHUNK));
  return btoa(binary);
}

/** Arguments of one call. */
const CHUNK = 8192;

function page(title: string, data: object): string {
  // Neither a token nor a title may end the script.
  const json = JSON.stringify(data)
    .replaceAll("<", "\\u003c")
    .replaceAll("\u2028", "\\u2028")
    .replaceAll("\u2029", "\\u2029");
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escaped(title)}: seeing inside</title>
<style>${PAGE_STYLE}</style>
<header><h1>${escaped(title)}</h1><p id="about"></p></header>
<main>
<section><h2>Tokens and their probabilities</h2><p class="hint" id="text-hint"></p>
<div id="text"></div><div id="legend"></div><div id="detail"></div></section>
<section><h2>Attention</h2><p class="hint">Choose a layer and a head. Each row is a token that looks, each column one that is looked at.</p>
<div id="heat"></div><div id="attention"><div id="heads"></div><figure><div id="map-title"></div><div id="map-box"><canvas id="map"></canvas></div><figcaption id="map-value"></figcaption></figure></div></section>
<section><h2>Logit lens</h2><p class="hint" id="lens-hint"></p><div class="scroll"><table id="lens"></table></div></section>
<section><h2>Nearest neighbours</h2><p class="hint">Tokens whose embeddings point into the most similar directions (cosine).</p>
<div id="neighbors"></div></section>
</main>
<div id="tip" hidden></div>
<script type="application/json" id="data">${json}</script>
<script>${PAGE_SCRIPT}</script>
</html>
`;
}

function escaped(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}
