export type { TextPair } from "./encode-pair.ts";
export {
  EvaluationOptionError,
  MalformedItemError,
  NotANumberError,
  NothingToScoreError,
  UnscorablePairError,
} from "./errors.ts";
export { type EvaluateLossOptions, evaluateLoss } from "./evaluate-loss.ts";
export { type LogLikelihood, type LogLikelihoodOptions, logLikelihoods } from "./log-likelihoods.ts";
export type { LossReport } from "./loss-report.ts";
export {
  type MultipleChoiceItem,
  type MultipleChoiceRecord,
  type MultipleChoiceReport,
  multipleChoice,
} from "./multiple-choice.ts";
export { type PerplexityOptions, perplexity, type WindowOptions } from "./perplexity.ts";
export { meanScore, pooledScore, type Score } from "./statistics.ts";
export {
  type MmluOptions,
  type MmluPromptOptions,
  type MmluQuestion,
  type MmluReport,
  type MmluStyle,
  type MmluSubject,
  mmlu,
  mmluPrompt,
} from "./tasks/mmlu.ts";
export {
  type MultipleChoiceTask,
  multipleChoiceTasks,
  type PooledReport,
  type TaskReport,
  type TasksReport,
} from "./tasks/tasks.ts";
export {
  bitsPerByte,
  type PricedBytes,
  type TextLossReport,
  type TextPerplexityOptions,
  textPerplexity,
} from "./text-perplexity.ts";
