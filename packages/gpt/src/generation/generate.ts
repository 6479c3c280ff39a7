import { chooseNext } from "./choose.ts";
import { continueAll, type Source } from "./continue-all.ts";
import { createReader } from "./create-reader.ts";
import type { GenerationEvent } from "./events.ts";
import {
  type BatchOptions,
  type CausalLanguageModel,
  type CommonOptions,
  checkDecoder,
  checkDraft,
  checkNoDraft,
  checkOptions,
  checkPrompt,
  DEFAULT_CHUNK_SIZE,
  DEFAULT_DRAFT_COUNT,
  type GenerateOptions,
  isList,
  stopTokensOf,
} from "./options.ts";
import type { Reader } from "./reader.ts";
import { outOfRange } from "./sampling.ts";
import { Sequence } from "./sequence.ts";
import { speculate } from "./speculate.ts";

/**
 * Continues a prompt: yields one token id after the other, each drawn from the model's distribution at the last
 * position. A text that outgrows the model's `contextLength` goes on; the model then sees its last tokens, at least
 * three quarters of the context. The text ends before a token of the model's `stopTokens`, such as `config.endOfText`,
 * unless `options.stopTokens` are others. The event loop runs between tokens.
 * @throws {GenerationError | ArgumentError} at once, for an option out of range or an empty prompt; while running, for logits that are
 * not numbers
 * @throws {VocabularyError} at once, for a token of the prompt that the model does not know
 * @throws {SequenceTooLongError} at once, for a prompt longer than the context, unless `truncatePrompt`
 */
export function generate(
  model: CausalLanguageModel,
  prompt: Iterable<number>,
  options: GenerateOptions,
): AsyncGenerator<number> {
  return tokensOf(generateEvents(model, prompt, options));
}

/** As {@link generate}, with the text of each token, its log-probability, and why the text ended, where asked for. */
export function generateEvents(
  model: CausalLanguageModel,
  prompt: Iterable<number>,
  options: GenerateOptions,
): AsyncGenerator<GenerationEvent> {
  checkOptions(options);
  checkDraft(model, options.draft);
  const tokens = checkPrompt(model, prompt, options);
  return continueOne(model, tokens, options, () => readerFor(model, [tokens], options));
}

/**
 * Continues many prompts together, which may be of unequal lengths; each ends on its own. The model's weights are read
 * once for one token of each, so that this is much sooner done than one after the other. Prompt i is continued as it is
 * alone with the seed `seed + i`. Yields the index of a prompt, and what happened to its text.
 * @throws as {@link generate}
 */
export function generateBatch(
  model: CausalLanguageModel,
  prompts: Iterable<Iterable<number>>,
  options: BatchOptions,
): AsyncGenerator<readonly [prompt: number, event: GenerationEvent]> {
  checkOptions(options);
  checkNoDraft(options);
  const { seed = 0, decoder } = options;
  if (!isList(prompts)) throw outOfRange("the list of prompts", prompts, "a list of prompts", "generateBatch");
  if (decoder && typeof decoder !== "function") {
    throw outOfRange("decoder", decoder, "a function that makes the decoder of each prompt", "generateBatch");
  }
  const all = Array.from(prompts, (prompt) => checkPrompt(model, prompt, options));
  const stopTokens = stopTokensOf(model, options);
  const sequences = all.map((tokens, i) => new Sequence(tokens, stopTokens, options, seed + i, decoder?.(i)));
  return withReader(
    () => readerFor(model, all, options),
    (reader) => continueAll(sequences, oneEach(reader, sequences, options), options.signal),
  );
}

/**
 * Continues one prompt with a reader that is opened when the first event is asked for.
 * @throws {GenerationError} at once, for stop tokens or a decoder that are none
 */
export function continueOne(
  model: CausalLanguageModel,
  tokens: number[],
  options: GenerateOptions,
  open: () => Reader,
): AsyncGenerator<GenerationEvent> {
  const { seed = 0, decoder } = options;
  checkDecoder(decoder);
  return eventsOf(new Sequence(tokens, stopTokensOf(model, options), options, seed, decoder), options, open);
}

async function* eventsOf(
  sequence: Sequence,
  options: GenerateOptions,
  open: () => Reader,
): AsyncGenerator<GenerationEvent> {
  const { draft, signal } = options;
  const events = withReader(open, (reader) => {
    if (draft === undefined) return continueAll([sequence], oneEach(reader, [sequence], options), signal);
    const { model: guesser, count = DEFAULT_DRAFT_COUNT } = draft;
    return withReader(
      () => readerFor(guesser, [sequence.tokens], options),
      (guessing) => {
        const draw: Source = async () => [await speculate(reader, guessing, sequence, count, options)];
        return continueAll([sequence], draw, signal);
      },
    );
  });
  for await (const [, event] of events) yield event;
}

/** The ids of events. */
export async function* tokensOf(events: AsyncIterable<GenerationEvent>): AsyncGenerator<number> {
  for await (const event of events) if (event.type === "token") yield event.token;
}

async function* withReader<T>(open: () => Reader, use: (reader: Reader) => AsyncIterable<T>): AsyncGenerator<T> {
  const reader = open();
  try {
    yield* use(reader);
  } finally {
    reader.dispose();
  }
}

/** A reader with room for what follows these prompts, as far as the model's context reaches. */
function readerFor(
  model: CausalLanguageModel,
  prompts: readonly (readonly number[])[],
  { maxNewTokens, chunkSize = DEFAULT_CHUNK_SIZE }: CommonOptions,
): Reader {
  const longest = prompts.reduce((most, { length }) => Math.max(most, length), 0) + maxNewTokens;
  return createReader(model, {
    batchSize: prompts.length,
    windowSize: Math.min(model.contextLength, longest),
    chunkSize,
  });
}

/**
 * Draws one token for each sequence. Those that have ended are read along until they are half of all, since to leave them
 * out is to copy what is known of the others.
 */
function oneEach(reader: Reader, sequences: readonly Sequence[], options: CommonOptions): Source {
  let present = sequences;
  return async (active) => {
    const places = active.map((sequence) => present.indexOf(sequence));
    if (2 * active.length > present.length) {
      const choices = await chooseNext(reader, present, options);
      return places.map((place) => [choices[place]]);
    }
    reader.rearrange(places);
    present = active;
    return (await chooseNext(reader, present, options)).map((choice) => [choice]);
  };
}
