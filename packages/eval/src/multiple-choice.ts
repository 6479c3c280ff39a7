import type { LanguageModel } from "@tessera-lm/layers";
import type { Tokenizer } from "@tessera-lm/tokenizer";
import { MalformedItemError, NothingToScoreError } from "./errors.ts";
import { type LogLikelihoodOptions, logLikelihoods } from "./log-likelihoods.ts";
import { meanScore, type Score } from "./statistics.ts";
import { utf8Length } from "./text-perplexity.ts";

/** A question whose answer is one of the given texts. */
export interface MultipleChoiceItem {
  /** Everything up to the answer, without the space before it. */
  readonly context: string;
  /** The possible answers, without leading space. */
  readonly choices: readonly string[];
  /** Index of the right choice. */
  readonly answer: number;
}

/** What the model made of one item. */
export interface MultipleChoiceRecord {
  readonly answer: number;
  /** The choice with the greatest log-likelihood. */
  readonly choice: number;
  /** The choice with the greatest log-likelihood per character. */
  readonly choicePerCharacter: number;
  /** The choice with the greatest log-likelihood per UTF-8 byte. */
  readonly choicePerByte: number;
  /** log p(" " + choice | context) of each choice, in nats. */
  readonly logLikelihoods: readonly number[];
  /** Tokens at the start of the context that did not fit the model and were left out. */
  readonly truncated: number;
}

export interface MultipleChoiceReport {
  /** Share of items whose most probable choice is right: `acc` of lm-evaluation-harness. */
  readonly accuracy: Score;
  /** The same with log-likelihoods divided by the characters of the choice: `acc_norm`. */
  readonly accuracyPerCharacter: Score;
  /** The same with log-likelihoods divided by the UTF-8 bytes of the choice: `acc_bytes`. */
  readonly accuracyPerByte: Score;
  /** One record per item, in the order given. */
  readonly records: readonly MultipleChoiceRecord[];
}

/**
 * accuracy = share of items where argmax over choices of log p(" " + choice | context) is the answer, with its standard
 * error (sample standard deviation / √n), as lm-evaluation-harness scores multiple choice. Of equal choices the first
 * wins. Progress counts choices.
 * @throws NothingToScoreError when there are no items.
 * @throws MalformedItemError when an item has no choices, an empty one, or an answer that is not one of them.
 */
export async function multipleChoice(
  model: LanguageModel,
  tokenizer: Tokenizer,
  items: readonly MultipleChoiceItem[],
  options: LogLikelihoodOptions = {},
): Promise<MultipleChoiceReport> {
  if (items.length === 0) throw new NothingToScoreError("the list of items is empty", "Give at least one item.");
  for (const [index, item] of items.entries()) checkItem(item, index);
  const pairs = items.flatMap(({ context, choices }) =>
    choices.map((choice) => ({ context, continuation: ` ${choice}` })),
  );
  const scored = (await logLikelihoods(model, tokenizer, pairs, options)).values();
  const records = items.map((item) => {
    const scores = item.choices.map(() => scored.next().value as Scored);
    return recordOf(item, scores);
  });
  return { ...accuracies(records), records };
}

type Scored = Awaited<ReturnType<typeof logLikelihoods>>[number];

function recordOf({ choices, answer }: MultipleChoiceItem, scores: readonly Scored[]): MultipleChoiceRecord {
  const logLikelihoods = scores.map((score) => score.logLikelihood);
  const per = (length: (choice: string) => number): number =>
    argmax(logLikelihoods.map((value, i) => value / length(choices[i] as string)));
  return {
    answer,
    choice: argmax(logLikelihoods),
    choicePerCharacter: per(characterCount),
    choicePerByte: per(utf8Length),
    logLikelihoods,
    truncated: Math.max(...scores.map((score) => score.truncated)),
  };
}

function accuracies(records: readonly MultipleChoiceRecord[]): Omit<MultipleChoiceReport, "records"> {
  const share = (choice: (record: MultipleChoiceRecord) => number): Score =>
    meanScore(records.map((record) => (choice(record) === record.answer ? 1 : 0)));
  return {
    accuracy: share((record) => record.choice),
    accuracyPerCharacter: share((record) => record.choicePerCharacter),
    accuracyPerByte: share((record) => record.choicePerByte),
  };
}

function checkItem({ choices, answer }: MultipleChoiceItem, index: number): void {
  if (choices.length === 0) throw new MalformedItemError(index, "it has no choices");
  const empty = choices.indexOf("");
  if (empty >= 0) throw new MalformedItemError(index, `choice ${empty} is empty`);
  if (choices[answer] === undefined) {
    throw new MalformedItemError(index, `the answer is ${answer}, but choices are numbered 0 to ${choices.length - 1}`);
  }
}

/** Characters in the sense of Unicode code points, as Python counts them. */
const characterCount = (text: string): number => [...text].length;

/** Index of the greatest value; the first of equals. */
const argmax = (values: readonly number[]): number =>
  values.reduce((best, value, i) => (value > (values[best] as number) ? i : best), 0);
