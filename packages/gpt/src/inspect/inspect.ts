import { keep, slice, type Tensor, type Tensor2D, tensor2d, tidy } from "@tensorflow/tfjs";
import { checkTokens, observed } from "@tessera-lm/layers";
import { Decoder } from "../decoder/decoder.ts";
import { Gpt2 } from "../decoder/gpt2.ts";
import { Encoder } from "../encoder/encoder.ts";
import { ArgumentError, GenerationError, MissingHeadError } from "../errors.ts";
import { isList } from "../generation/options.ts";
import { outOfRange, requireWhole } from "../generation/sampling.ts";
import { rows } from "../model-pass.ts";
import { requireModel, requireOptions } from "../require-argument.ts";
import { type AttentionMap, attentionMaps } from "./attention-maps.ts";
import { type Prediction, predictionOf } from "./logits.ts";
import { type Neighbor, nearestTokens } from "./nearest-tokens.ts";

/** A model that can be looked into: one of tokens that follow each other, or an encoder with a head for masked tokens. */
export type Inspectable = Gpt2 | Decoder | Encoder;

export interface InspectOptions {
  /** How many of the most probable tokens are told at each place. Default 8. */
  readonly numAlternatives?: number;
  /** How many neighbours of each token's embedding. Default 8. */
  readonly numNeighbors?: number;
  /**
   * For encoders: the token that stands for a hidden one, `[MASK]`. Each token's probability is then the one that the
   * model gives where it is hidden; otherwise where the model sees it.
   */
  readonly maskToken?: number;
}

/** What a model makes of a text. */
export interface Inspection {
  readonly tokens: readonly number[];
  /** Whether tokens are predicted from those before them (or else from all others). */
  readonly causal: boolean;
  /** What the model expected at the place of each token; of the first one nothing, where tokens follow each other. */
  readonly expected: readonly (Prediction | undefined)[];
  /** What it expects to follow the last one; absent in encoders. */
  readonly next?: Prediction;
  /** For each layer, of one text. */
  readonly attention: readonly AttentionMap[];
  /**
   * The logit lens (nostalgebraist 2020): what the head makes of each layer's output. The first row is the embeddings,
   * the last one the model itself; a row has one prediction for each token, of the one after it, or in encoders of itself.
   */
  readonly lens: readonly (readonly Prediction[])[];
  /** Of the embedding of every token that is in the text, once each. */
  readonly neighbors: ReadonlyMap<number, readonly Neighbor[]>;
}

/** Rows whose logits exist at a time: 13 MB with GPT-2's vocabulary. */
const ROWS = 64;

/**
 * Looks into a model while it reads a text.
 * @throws {GenerationError} for no tokens, or an option out of range
 * @throws {ArgumentError} for another model, such as an encoder-decoder, and for what is no model or no options
 * @throws {SequenceTooLongError} for more of them than the model's context
 * @throws {VocabularyError} for one that the model does not know
 * @throws {MissingHeadError} for an encoder without a head for masked tokens
 */
export async function inspect(
  model: Inspectable,
  tokens: Iterable<number>,
  options: InspectOptions = {},
): Promise<Inspection> {
  requireInspectable(model);
  requireOptions("inspect", options);
  if (!isList(tokens)) throw outOfRange("the text", tokens, "a list of tokens", "inspect");
  const ids = [...tokens];
  if (ids.length === 0) throw new GenerationError("inspect: there are no tokens. Give it a text of at least one.");
  checkTokens(ids, model.vocabSize);
  const { numAlternatives = 8, numNeighbors = 8 } = options;
  requireWhole("numAlternatives", numAlternatives, 1, "inspect");
  requireWhole("numNeighbors", numNeighbors, 0, "inspect");
  const causal = !(model instanceof Encoder);
  const input = tensor2d(ids, [1, ids.length], "int32");
  try {
    const attention = await attentionMaps(model, () => model.forward(input, { lastOnly: true }));
    const targets = ids.map((id, at) => (causal ? ids[at + 1] : id));
    const lens = await lensOf(model, input, targets, numAlternatives);
    const last = lens.at(-1) as Prediction[];
    const distinct = [...new Set(ids)];
    const neighbors = await nearestTokens(model.tokenEmbedding, model.vocabSize, distinct, numNeighbors);
    return {
      tokens: ids,
      causal,
      expected: causal ? [undefined, ...last.slice(0, -1)] : await expectedByEncoder(model, ids, last, options),
      ...(causal && { next: last.at(-1) as Prediction }),
      attention,
      lens,
      neighbors: new Map(distinct.map((id, i) => [id, neighbors[i] as Neighbor[]])),
    };
  } finally {
    input.dispose();
  }
}

function requireInspectable(model: unknown): void {
  requireModel("inspect", model);
  if (model instanceof Gpt2 || model instanceof Decoder || model instanceof Encoder) return;
  const expected = "a Gpt2, a Decoder or an Encoder; attentionMaps takes any model";
  throw new ArgumentError("inspect", "the model", model, expected);
}

/** Predictions from what goes into the first block, and from what comes out of each. */
async function lensOf(
  model: Inspectable,
  input: Tensor2D,
  targets: readonly (number | undefined)[],
  count: number,
): Promise<Prediction[][]> {
  const features: Tensor[] = [];
  const see = (tensor: Tensor): void => void features.push(keep(tensor.clone()));
  const blocks = new Set<unknown>(model.blocks);
  try {
    observed(
      model,
      ({ module }, inputs, output) => {
        if (!blocks.has(module)) return;
        if (features.length === 0) see(inputs[0] as Tensor);
        see(output as Tensor);
      },
      () => model.hidden(input),
    ).dispose();
    const lens: Prediction[][] = [];
    for (const layer of features) lens.push(await predictions(model, layer, targets, count));
    return lens;
  } finally {
    for (const tensor of features) tensor.dispose();
  }
}

/** (1, T, C) → what the head makes of each row. */
async function predictions(
  model: Inspectable,
  features: Tensor,
  targets: readonly (number | undefined)[],
  count: number,
): Promise<Prediction[]> {
  const found: Prediction[] = [];
  for (let start = 0; start < targets.length; start += ROWS) {
    const some = targets.slice(start, start + ROWS);
    const logits = tidy(() => read(model, slice(rows(features), start, some.length)));
    const numbers = await logits.data<"float32">();
    logits.dispose();
    const row = (i: number): Float32Array => numbers.subarray(i * model.vocabSize, (i + 1) * model.vocabSize);
    found.push(...some.map((target, i) => predictionOf(row(i), count, target)));
  }
  return found;
}

/** What comes after the blocks: the last norm and the head, (N, C) → (N, V). */
function read(model: Inspectable, features: Tensor2D): Tensor2D {
  const normed = (model.finalNorm ? model.finalNorm.forward(features) : features) as Tensor2D;
  if (model instanceof Encoder) return maskedLogits(model, normed);
  const head = "head" in model ? model.head : undefined;
  return (head ?? model.tokenEmbedding).logits(normed);
}

/** (N, C) of features → (N, V) */
function maskedLogits({ maskedHead, tokenEmbedding }: Encoder, features: Tensor2D): Tensor2D {
  if (maskedHead === undefined) throw new MissingHeadError("maskedHead");
  return maskedHead.logits(maskedHead.transform(features) as Tensor2D, tokenEmbedding);
}

/** With a mask token each token is hidden in turn, otherwise as the model sees it. */
async function expectedByEncoder(
  model: Encoder,
  ids: readonly number[],
  seen: readonly Prediction[],
  { maskToken, numAlternatives = 8 }: InspectOptions,
): Promise<readonly Prediction[]> {
  if (maskToken === undefined) return seen;
  checkTokens([maskToken], model.vocabSize);
  const found: Prediction[] = [];
  for (const [at, id] of ids.entries()) {
    const hidden = tidy(() => {
      const text = tensor2d([ids.map((each, i) => (i === at ? maskToken : each))], [1, ids.length], "int32");
      return maskedLogits(model, slice(rows(model.hidden(text)), at, 1));
    });
    found.push(predictionOf(await hidden.data<"float32">(), numAlternatives, id));
    hidden.dispose();
  }
  return found;
}
