import { breathe, type LanguageModel } from "@tessera-lm/layers";
import type { Tokenizer } from "@tessera-lm/tokenizer";
import { checkCount } from "../check-count.ts";
import { encodePair, type PairEncoding } from "../encode-pair.ts";
import { EvaluationOptionError } from "../errors.ts";
import type { LogLikelihoodOptions } from "../log-likelihoods.ts";
import type { MultipleChoiceItem } from "../multiple-choice.ts";
import { mmluGroup } from "./mmlu-groups.ts";
import { type MultipleChoiceTask, scoreTasks, type TasksReport } from "./tasks.ts";

/** One line of an MMLU file. */
export interface MmluQuestion {
  readonly question: string;
  /** The texts of A, B, C and D. */
  readonly choices: readonly [string, string, string, string];
  /** 0 for A … 3 for D. */
  readonly answer: number;
}

/** One of the 57 subjects. */
export interface MmluSubject {
  /** As in the file names, such as `high_school_physics`. */
  readonly name: string;
  /** Questions whose answers the prompt shows. */
  readonly dev: readonly MmluQuestion[];
  /** Questions that are asked. */
  readonly test: readonly MmluQuestion[];
}

/**
 * `harness` is lm-evaluation-harness's prompt. `original` is that of the paper's own script, which has two spaces
 * before the subject and does not strip the question.
 */
export type MmluStyle = "harness" | "original";

export interface MmluPromptOptions {
  /** Solved questions in the prompt: the first ones of `dev`. Default 5. */
  readonly shots?: number;
  /** Default `harness`. */
  readonly style?: MmluStyle;
}

/**
 * The prompt of a question: "The following are multiple choice questions (with answers) about {subject}." and a blank
 * line, then each solved question with its letter and a blank line, then the question up to "Answer:".
 */
export function mmluPrompt(subject: MmluSubject, asked: MmluQuestion, options: MmluPromptOptions = {}): string {
  const { shots = 5, style = "harness" } = options;
  const name = subject.name.replaceAll("_", " ");
  const head = "The following are multiple choice questions (with answers) about ";
  const solved = subject.dev.slice(0, shots).map((shot) => `${ask(shot, style)} ${LETTERS[shot.answer]}\n\n`);
  return `${head}${style === "original" ? " " : ""}${name}.\n\n${solved.join("")}${ask(asked, style)}`;
}

const LETTERS: readonly string[] = ["A", "B", "C", "D"];

function ask({ question, choices }: MmluQuestion, style: MmluStyle): string {
  const lines = choices.map((choice, i) => `\n${LETTERS[i]}. ${choice}`);
  return `${style === "original" ? question : question.trim()}${lines.join("")}\nAnswer:`;
}

export interface MmluOptions extends MmluPromptOptions, LogLikelihoodOptions {
  /** Ask only the first so many questions of each subject. Default: all. */
  readonly limit?: number;
  /**
   * What to do when a prompt does not fit the model. true, the default, leaves out the last solved questions until it
   * does, as the paper's script; false cuts the prompt on the left, as lm-evaluation-harness.
   */
  readonly dropShots?: boolean;
}

export interface MmluReport extends TasksReport {
  /** Questions that were asked with fewer solved ones than wanted, because the prompt would not have fitted. */
  readonly questionsWithFewerShots: number;
}

/**
 * MMLU (Hendrycks et al. 2021): each question is answered with the most probable of " A", " B", " C" and " D". One task
 * per subject, in the groups `stem`, `humanities`, `social_sciences` and `other`; the score is `accuracy`.
 * Prompts are made and encoded subject by subject.
 * @throws EvaluationOptionError when a subject has fewer solved questions than `shots`, or `limit` is not a whole number
 * of at least 1.
 */
export async function mmlu(
  model: LanguageModel,
  tokenizer: Tokenizer,
  subjects: readonly MmluSubject[],
  options: MmluOptions = {},
): Promise<MmluReport> {
  const { shots = 5, limit = Number.POSITIVE_INFINITY } = options;
  checkCount("limit", limit);
  for (const subject of subjects) checkShots(subject, shots);
  const asked = subjects.map((subject) => ({ ...subject, test: subject.test.slice(0, limit) }));
  const encoding = { model, tokenizer, prefixToken: options.prefixToken };
  let questionsWithFewerShots = 0;
  async function* tasks(): AsyncGenerator<MultipleChoiceTask> {
    for (const subject of asked) {
      const { task, shortened } = await mmluTask(subject, options, encoding);
      questionsWithFewerShots += shortened;
      yield task;
    }
  }
  const total = asked.reduce((sum, { test }) => sum + test.length * LETTERS.length, 0);
  const report = await scoreTasks(model, tokenizer, tasks(), total, options);
  return { ...report, questionsWithFewerShots };
}

/** Breathes after each question: finding the shots that fit takes encoding. */
async function mmluTask(
  subject: MmluSubject,
  options: MmluOptions,
  encoding: PairEncoding,
): Promise<{ task: MultipleChoiceTask; shortened: number }> {
  const { shots = 5, dropShots = true, signal } = options;
  const items: MultipleChoiceItem[] = [];
  let shortened = 0;
  for (const asked of subject.test) {
    signal?.throwIfAborted();
    const fitting = dropShots ? fittingShots(subject, asked, options, encoding) : shots;
    if (fitting < shots) shortened++;
    const context = mmluPrompt(subject, asked, { ...options, shots: fitting });
    items.push({ context, choices: LETTERS, answer: asked.answer });
    await breathe();
  }
  return { task: { name: subject.name, group: mmluGroup(subject.name), items }, shortened };
}

/** The greatest number of solved questions with which the prompt fits; 0 when none does. */
function fittingShots(subject: MmluSubject, asked: MmluQuestion, options: MmluOptions, encoding: PairEncoding): number {
  for (let shots = options.shots ?? 5; shots > 0; shots--) {
    const context = mmluPrompt(subject, asked, { ...options, shots });
    if (encodePair({ context, continuation: " A" }, 0, encoding).truncated === 0) return shots;
  }
  return 0;
}

function checkShots({ name, dev }: MmluSubject, shots: number): void {
  if (Number.isInteger(shots) && shots >= 0 && shots <= dev.length) return;
  throw new EvaluationOptionError(
    "shots",
    shots,
    `a whole number between 0 and ${dev.length}, what ${name} has to show`,
  );
}
