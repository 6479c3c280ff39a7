import { dispose, parameters, zeros } from "@tessera-lm/layers";
import type { ByteSource } from "@tessera-lm/weights";
import { assembleDecoder, type Decoder } from "../decoder/decoder.ts";
import { type ResolvedDecoderConfig, resolveDecoderConfig } from "../decoder/decoder-config.ts";
import { decoderShapes } from "../decoder/decoder-shapes.ts";
import { ConfigError, ModelFileError } from "../errors.ts";
import { resolved } from "../families/family.ts";
import { halvesFirst } from "../gguf/head-rows.ts";
import { assignStored } from "./assign-stored.ts";

/** Seven int32: dim, hidden_dim, n_layers, n_heads, n_kv_heads, vocab_size (negative with a head of its own), seq_len. */
const HEADER_BYTES = 28;

/**
 * A model of llama2.c (https://github.com/karpathy/llama2.c) from its `.bin` file of float32 without a version number, as
 * its stories models are. Read tensor by tensor. The rows of query and key, whose neighbours turn together there, are put
 * into the order of Hugging Face's Llama, so that the model is one like any other. `loadLlama2c` of `@tessera-lm/gpt/node`
 * does it with a path.
 * @throws {ModelFileError} for a file of another format or another length
 * @throws {ConfigError} for a header that no model has
 */
export async function readLlama2c(source: ByteSource): Promise<Decoder> {
  const { config, places } = await layoutOf(source);
  return await readModel(source, config, places);
}

/** Whether its header and its length are those of such a file. */
export async function isLlama2c(source: ByteSource): Promise<boolean> {
  try {
    await layoutOf(source);
    return true;
  } catch (error) {
    if (error instanceof ModelFileError || error instanceof ConfigError) return false;
    throw error;
  }
}

/** What the header says, and where each parameter lies. */
async function layoutOf(
  source: ByteSource,
): Promise<{ readonly config: ResolvedDecoderConfig; readonly places: Map<string, number> }> {
  const config = await readHeader(source);
  // Before anything is made of the numbers in the header: each layer has at least its norms.
  if (config.numLayers * config.width > source.size) throw wrongLength(source, config);
  const places = placesOf(config);
  if (source.size !== HEADER_BYTES + 4 * (places.get("end") as number)) throw wrongLength(source, config);
  return { config, places };
}

async function readHeader(source: ByteSource): Promise<ResolvedDecoderConfig> {
  if (source.size < HEADER_BYTES) {
    throw new ModelFileError(
      `${source.name}: a model of llama2.c has ${HEADER_BYTES} bytes or more, not ${source.size}.`,
    );
  }
  const bytes = await source.read(0, HEADER_BYTES);
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  const [width, feedForwardWidth, numLayers, numHeads, numKeyValueHeads, vocabSize, contextLength] = Array.from(
    { length: 7 },
    (_, i) => view.getInt32(4 * i, true),
  );
  if (width === MAGIC) {
    throw new ModelFileError(
      `${source.name}: this is a newer format of llama2.c. Export it with --version 0, or as hf.`,
    );
  }
  const sizes = { width, feedForwardWidth, numLayers, numHeads, numKeyValueHeads, contextLength };
  const tokens = { vocabSize: Math.abs(vocabSize), tieEmbeddings: vocabSize > 0, beginOfText: 1, endOfText: 2 };
  return resolved(resolveDecoderConfig, { ...sizes, ...tokens, family: "llama", normEpsilon: 1e-5 }, source.name);
}

/** "ak42", with which later versions of the format begin. */
const MAGIC = 0x616b3432;

/** Where the parameters lie, in numbers from the header on: each kind of all layers after the other. */
function placesOf(config: ResolvedDecoderConfig): Map<string, number> {
  const shapes = decoderShapes(config);
  const everyLayer = (part: string): string[] =>
    Array.from({ length: config.numLayers }, (_, layer) => `blocks.${layer}.${part}`);
  const order = [
    "tokenEmbedding.weight",
    ...everyLayer("attentionNorm.scale"),
    ...["query", "key", "value", "output"].flatMap((part) => everyLayer(`attention.${part}.weight`)),
    ...everyLayer("feedForwardNorm.scale"),
    ...["gate", "down", "up"].flatMap((part) => everyLayer(`feedForward.${part}.weight`)),
    "finalNorm.scale",
    "angles",
    ...(config.tieEmbeddings ? [] : ["head.weight"]),
    "end",
  ];
  const places = new Map<string, number>();
  let place = 0;
  for (const path of order) {
    places.set(path, place);
    // The sines and cosines of all positions, which nobody needs.
    const shape = path === "angles" ? [config.contextLength, config.headWidth] : (shapes.get(path) ?? [0]);
    place += count(shape);
  }
  return places;
}

function wrongLength({ name, size }: ByteSource, config: ResolvedDecoderConfig): ModelFileError {
  const { numLayers, width, vocabSize } = config;
  return new ModelFileError(
    `${name}: its ${size} bytes are not those of ${numLayers} layers, ${width} features and ${vocabSize} tokens, which ` +
      "its header tells of. It is cut short, or of another format.",
  );
}

async function readModel(
  source: ByteSource,
  config: ResolvedDecoderConfig,
  places: ReadonlyMap<string, number>,
): Promise<Decoder> {
  const model = assembleDecoder(config, zeros);
  try {
    for (const [path, parameter] of parameters(model)) {
      const values = await readNumbers(source, places.get(path) as number, parameter.size);
      const transposed = path.startsWith("blocks.") && parameter.rank === 2;
      const numRows = values.length / config.width;
      const turned = /\.(query|key)\.weight$/.test(path) ? halvesFirst(values, numRows, config.headWidth) : values;
      const shape = transposed ? parameter.shape.toReversed() : parameter.shape;
      assignStored(parameter, { shape, transposed }, turned);
    }
    return model;
  } catch (error) {
    dispose(model);
    throw error;
  }
}

async function readNumbers(source: ByteSource, place: number, length: number): Promise<Float32Array> {
  const bytes = await source.read(HEADER_BYTES + 4 * place, 4 * length);
  return new Float32Array(bytes.buffer, bytes.byteOffset, length);
}

function count(shape: readonly number[]): number {
  return shape.reduce((product, length) => product * length, 1);
}
