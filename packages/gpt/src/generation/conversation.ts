import { GenerationError } from "../errors.ts";
import { requireOptions } from "../require-argument.ts";
import { createReader } from "./create-reader.ts";
import type { GenerationEvent } from "./events.ts";
import { continueOne, tokensOf } from "./generate.ts";
import {
  type CausalLanguageModel,
  checkDraft,
  checkModel,
  checkOptions,
  checkPrompt,
  DEFAULT_CHUNK_SIZE,
  type GenerateOptions,
} from "./options.ts";
import type { Reader } from "./reader.ts";
import { requireWhole } from "./sampling.ts";

/** How a conversation is kept. */
export interface ConversationOptions {
  /** Tokens that it has room for; of longer ones the model sees the end. Default the model's `contextLength`. */
  readonly capacity?: number;
  /** How many tokens of a prompt go through the model at once. Default 512. */
  readonly chunkSize?: number;
}

/**
 * Generates again and again from prompts that begin alike, such as a chat with one more message each time: what the
 * model has read stays, and only what is new is read. The same tokens come as from {@link generate} with the same prompt.
 */
export class Conversation {
  readonly #model: CausalLanguageModel;
  readonly #reader: Reader;
  #isDisposed = false;

  /** @throws {GenerationError | ArgumentError} for an option out of range, for what is no model or no options */
  constructor(model: CausalLanguageModel, options: ConversationOptions = {}) {
    checkModel(model, "Conversation");
    requireOptions("Conversation", options);
    const { capacity = model.contextLength, chunkSize = DEFAULT_CHUNK_SIZE } = options;
    if (capacity !== Infinity) requireWhole("capacity", capacity, 1, "Conversation");
    requireWhole("chunkSize", chunkSize, 1, "Conversation");
    const windowSize = Math.min(model.contextLength, capacity);
    this.#model = model;
    this.#reader = createReader(model, { windowSize, chunkSize });
  }

  /** As the function `generate`. @param prompt all of the conversation so far */
  generate(prompt: Iterable<number>, options: GenerateOptions): AsyncGenerator<number> {
    return tokensOf(this.generateEvents(prompt, options));
  }

  /**
   * As the function `generateEvents`. @param prompt all of the conversation so far
   * @throws {GenerationError} after `dispose`, too
   */
  generateEvents(prompt: Iterable<number>, options: GenerateOptions): AsyncGenerator<GenerationEvent> {
    if (this.#isDisposed) throw new GenerationError("generate: the conversation has been disposed of; make a new one.");
    checkOptions(options);
    checkDraft(this.#model, options.draft);
    const tokens = checkPrompt(this.#model, prompt, options, "generate", this.#reader.windowSize);
    return continueOne(this.#model, tokens, options, () => borrowed(this.#reader));
  }

  /** Frees what it remembers. */
  dispose(): void {
    this.#isDisposed = true;
    this.#reader.dispose();
  }
}

/** The reader, to be used by somebody who then lets go of it. */
function borrowed(reader: Reader): Reader {
  reader.begin();
  return {
    windowSize: reader.windowSize,
    begin: () => {},
    next: (sequences, signal) => reader.next(sequences, signal),
    nextOfLast: (sequence, count, signal) => reader.nextOfLast(sequence, count, signal),
    rearrange: (parents) => reader.rearrange(parents),
    dispose: () => {},
  };
}
