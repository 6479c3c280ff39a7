import { WrongFormatError } from "../errors.ts";
import { HOW_TO_CONVERT } from "../file-format.ts";
import { readShardIndex } from "../safetensors/shard-index.ts";
import { INDEX_FILE, pickleAmong, SINGLE_FILE } from "../weight-files.ts";
import { HubError } from "./errors.ts";
import { matchesAny } from "./patterns.ts";

/** Which files of a repository are wanted. */
export interface Choice {
  /** For messages, such as `matches *.gguf`. */
  readonly what: string;
  /**
   * @param repository for messages
   * @param paths of all its files
   * @param open where one of them lies on the disk, once it is there
   */
  choose(
    repository: string,
    paths: readonly string[],
    open: (path: string) => Promise<string>,
  ): Promise<readonly string[]>;
  /** Whether these can be all that is wanted, where nobody knows what else the repository has. */
  suffices(paths: readonly string[]): boolean;
}

/** Those whose paths match. */
export const matching = (patterns: readonly string[]): Choice => ({
  what: `matches ${patterns.join(", ")}`,
  choose: async (_, paths) => paths.filter((path) => matchesAny(path, patterns)),
  suffices: (paths) => paths.length > 0,
});

/**
 * What a model needs here and no more: the texts that describe it and its tokenizer, and its weights as safetensors, in
 * one file or in the shards that its index names. What lies in folders is a copy in another format.
 */
export const modelFiles: Choice = {
  what: "belongs to a model",
  async choose(repository, paths, open) {
    const texts = paths.filter((path) => TEXT.test(path) && !OTHER_TEXT.test(path));
    if (paths.includes(SINGLE_FILE)) return [...texts, SINGLE_FILE];
    if (paths.includes(INDEX_FILE)) {
      const shards = (await readShardIndex(await open(INDEX_FILE))).values();
      return [...texts, INDEX_FILE, ...new Set(shards)];
    }
    if (paths.includes(ADAPTER_FILE)) return [...texts, ADAPTER_FILE];
    requireNoOthers(repository, paths);
    return texts;
  },
  suffices: (paths) => [SINGLE_FILE, INDEX_FILE, ADAPTER_FILE].some((name) => paths.includes(name)),
};

const TEXT = /^[^/]+\.(json|txt|model|jinja|bpe|tiktoken)$/;

/** Indices of other weights, what a training left, and what is for Python or for people. */
const OTHER_TEXT =
  /(\.index\.json|^trainer_state\.json|^[^/]*_results\.json|^requirements[^/]*\.txt|^(licen[cs]e|notice)[^/]*\.txt)$/i;

const ADAPTER_FILE = "adapter_model.safetensors";

const GGUF = /\.gguf$/i;
const READ_GGUF = /(Q8_0|Q4_0|BF16|F16|F32)\.gguf$/i;

/** What other programs alone read: of Flax, TensorFlow, ONNX and the models' makers. */
const FOREIGN = /^[^/]+\.(msgpack|h5|onnx|safetensors|nemo|tflite)$/;

/** How many files a message names. */
const MOST_NAMES = 20;

/** @throws {HubError | WrongFormatError} for weights of other formats, before any is fetched */
function requireNoOthers(repository: string, paths: readonly string[]): void {
  const ggufs = paths.filter((path) => GGUF.test(path));
  const example = ggufs.find((path) => READ_GGUF.test(path)) ?? ggufs[0];
  if (example !== undefined) {
    const found = `${repository} has its weights as GGUF only: ${listed(ggufs)}. F32, F16, BF16, Q8_0 and Q4_0 are read`;
    const advice = `loadModel("${repository}/${example}"), or downloadFromHub with files: ["${example}"]`;
    throw new HubError("not-found", `${found}. Name the file: ${advice}.`);
  }
  const pickle = pickleAmong(paths);
  if (pickle !== undefined) {
    throw new WrongFormatError(`${repository}/${pickle}`, "safetensors", "a PyTorch pickle", HOW_TO_CONVERT);
  }
  const foreign = paths.filter((path) => FOREIGN.test(path));
  if (foreign.length === 0) return;
  const found = `${repository} has no ${SINGLE_FILE} and no ${INDEX_FILE}; its weights are ${listed(foreign)}`;
  throw new HubError(
    "not-found",
    `${found}. Take a model that has them, or name the files that you want in \`files\`.`,
  );
}

/** Names for a message. */
export const listed = (names: readonly string[]): string =>
  (names.length > MOST_NAMES ? [...names.slice(0, MOST_NAMES), "…"] : names).join(", ");
