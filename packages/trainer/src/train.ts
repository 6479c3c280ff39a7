import { breathe } from "@tessera-lm/layers";
import { take } from "./batches.ts";
import { outOfPatience, type ParsedEarlyStopping, parseEarlyStopping, requireReported } from "./early-stopping.ts";
import { NonFiniteLossError } from "./errors.ts";
import type { StepEnd, StopReason, TrainEvent } from "./events.ts";
import { type LossAndGradients, lossAndGradients } from "./loss-and-gradients.ts";
import { disposeGradients } from "./optimizers/gradients.ts";
import { checkOptions, type TrainOptions } from "./options.ts";
import {
  begin,
  cutShort,
  due,
  everyActionWasDone,
  everyEvaluationIsThere,
  notYetDone,
  perform,
  performAndRecord,
} from "./perform.ts";
import type { Run } from "./run.ts";
import { type ActiveRun, startOrResume } from "./start-or-resume.ts";

/**
 * Trains, and yields what happens: `step-end` after every step, what the actions report, and `stopped` at the end.
 * Parameters change in place; the optimiser stays the caller's, with its state.
 * @throws InvalidOptionError
 * @throws NonFiniteLossError before an update that would spoil the parameters
 * @throws FrozenParameterError, UnreachedParameterError, NoTargetsError, EmptyBatchesError
 * @throws CheckpointMismatchError when `resume` is of another model or optimiser
 * @throws UnknownMetricError when no evaluation reports what early stopping looks for
 */
export async function* train<B>(options: TrainOptions<B>): AsyncGenerator<TrainEvent, void, undefined> {
  checkOptions(options);
  const stopping = options.earlyStopping && parseEarlyStopping(options.earlyStopping);
  const run = startOrResume(options);
  await begin(run, options);
  yield* performAndRecord(cutShort(run, options), run);
  let reason = stopReason(run, options, stopping);
  while (reason === undefined) {
    yield await takeStep(run, options);
    yield* performAndRecord(due(run.step, options), run);
    if (stopping !== undefined && everyActionWasDone(run, options)) requireReported(run.evaluations, stopping);
    await breathe();
    reason = stopReason(run, options, stopping);
  }
  if (reason !== "finished") yield* perform(notYetDone(run, options), run);
  yield { type: "stopped", step: run.step, reason };
}

async function takeStep<B>(run: ActiveRun<B>, options: TrainOptions<B>): Promise<StepEnd> {
  const started = performance.now();
  const { parameters, optimizer, seed } = run;
  const step = run.step + 1;
  const learningRate = optimizer.learningRate(step);
  const batches = take(run.batches, options.accumulate ?? 1);
  const result = await lossAndGradients({ parameters, objective: options.objective, batches, seed, step });
  try {
    checkFinite(step, result);
    optimizer.update(parameters, result.gradients, step);
  } finally {
    disposeGradients(result.gradients);
  }
  run.step = step;
  run.tokens += result.targets;
  const milliseconds = performance.now() - started;
  return {
    type: "step-end",
    step,
    loss: result.loss,
    learningRate,
    gradientNorm: result.gradients.norm,
    tokensPerSecond: (1000 * result.targets) / milliseconds,
    milliseconds,
  };
}

function checkFinite(step: number, { loss, gradients }: LossAndGradients): void {
  if (!Number.isFinite(loss) || !Number.isFinite(gradients.norm)) {
    throw new NonFiniteLossError(step, loss, gradients.norm);
  }
}

function stopReason<B>(
  run: Run,
  options: TrainOptions<B>,
  stopping: ParsedEarlyStopping | undefined,
): StopReason | undefined {
  const { steps, stopAfter, signal } = options;
  if (run.step >= steps) return signal?.aborted && !everyEvaluationIsThere(run, options) ? "aborted" : "finished";
  if (stopping !== undefined && outOfPatience(run.evaluations, stopping)) return "early-stopping";
  if (signal?.aborted) return "aborted";
  if (stopAfter !== undefined && run.step >= stopAfter) return "stop-after";
  return undefined;
}
