import type { LanguageModel } from "@tessera-lm/layers";
import type { Tokenizer } from "@tessera-lm/tokenizer";
import { NothingToScoreError } from "../errors.ts";
import type { LogLikelihoodOptions } from "../log-likelihoods.ts";
import { type MultipleChoiceItem, type MultipleChoiceReport, multipleChoice } from "../multiple-choice.ts";
import { pooledScore } from "../statistics.ts";

/** Questions that are scored together: a benchmark, or one subject of it. */
export interface MultipleChoiceTask {
  readonly name: string;
  /** The group whose score this task is part of, besides the overall one. */
  readonly group?: string;
  readonly items: readonly MultipleChoiceItem[];
}

/** A report without its records: the score of several tasks taken together. */
export type PooledReport = Omit<MultipleChoiceReport, "records">;

export interface TaskReport extends MultipleChoiceReport {
  readonly name: string;
  readonly group?: string;
}

export interface TasksReport {
  /** One report per task, in the order given. */
  readonly tasks: readonly TaskReport[];
  /** Scores by group, in the order in which the groups first appear. */
  readonly groups: ReadonlyMap<string, PooledReport>;
  /** The score over all tasks. */
  readonly overall: PooledReport;
}

/**
 * Scores tasks one after another. Groups and the overall score weigh each item the same, hence each task by its size,
 * with the standard error of `pooledScore`. Progress counts choices over all tasks.
 * @throws NothingToScoreError when there are no tasks, or one has no items.
 */
export async function multipleChoiceTasks(
  model: LanguageModel,
  tokenizer: Tokenizer,
  tasks: readonly MultipleChoiceTask[],
  options: LogLikelihoodOptions = {},
): Promise<TasksReport> {
  const total = tasks.reduce((sum, { items }) => sum + countChoices(items), 0);
  return scoreTasks(model, tokenizer, tasks, total, options);
}

/** The same of tasks that may be made one after another, and hold `total` choices together. */
export async function scoreTasks(
  model: LanguageModel,
  tokenizer: Tokenizer,
  tasks: Iterable<MultipleChoiceTask> | AsyncIterable<MultipleChoiceTask>,
  total: number,
  options: LogLikelihoodOptions,
): Promise<TasksReport> {
  const reports: TaskReport[] = [];
  let before = 0;
  for await (const { name, group, items } of tasks) {
    const onProgress = (done: number): void => options.onProgress?.(before + done, total);
    reports.push({ name, group, ...(await multipleChoice(model, tokenizer, items, { ...options, onProgress })) });
    before += countChoices(items);
  }
  if (reports.length === 0) throw new NothingToScoreError("the list of tasks is empty", "Give at least one task.");
  return { tasks: reports, groups: poolByGroup(reports), overall: pool(reports) };
}

function countChoices(items: readonly MultipleChoiceItem[]): number {
  return items.reduce((count, item) => count + item.choices.length, 0);
}

function poolByGroup(reports: readonly TaskReport[]): Map<string, PooledReport> {
  const members = new Map<string, TaskReport[]>();
  for (const report of reports) {
    if (report.group !== undefined) members.set(report.group, [...(members.get(report.group) ?? []), report]);
  }
  return new Map([...members].map(([group, list]) => [group, pool(list)]));
}

function pool(reports: readonly PooledReport[]): PooledReport {
  return {
    accuracy: pooledScore(reports.map((report) => report.accuracy)),
    accuracyPerCharacter: pooledScore(reports.map((report) => report.accuracyPerCharacter)),
    accuracyPerByte: pooledScore(reports.map((report) => report.accuracyPerByte)),
  };
}
