import type { Action } from "./actions.ts";
import { take } from "./batches.ts";
import { breathe } from "./breathe.ts";
import { outOfPatience } from "./early-stopping.ts";
import { NonFiniteLossError } from "./errors.ts";
import type { StepEnd, StopReason, TrainEvent } from "./events.ts";
import { type LossAndGradients, lossAndGradients } from "./loss-and-gradients.ts";
import { disposeGradients } from "./optimizers/gradients.ts";
import { checkOptions, type TrainOptions } from "./options.ts";
import type { Run } from "./run.ts";
import { type ActiveRun, startOrResume } from "./start-or-resume.ts";

/**
 * Trains, and yields what happens: `step-end` after every step, what the actions report, and `stopped` at the end.
 * Parameters change in place; the optimiser stays the caller's, with its state.
 * @throws InvalidOptionError
 * @throws NonFiniteLossError before an update that would spoil the parameters
 * @throws UnreachedParameterError, NoTargetsError, EmptyBatchesError
 * @throws CheckpointMismatchError when `resume` is of another model or optimiser
 */
export async function* train<B>(options: TrainOptions<B>): AsyncGenerator<TrainEvent, void, undefined> {
  checkOptions(options);
  const run = startOrResume(options);
  let reason = stopReason(run, options);
  while (reason === undefined) {
    yield await takeStep(run, options);
    yield* perform(due(run.step, options), run);
    await breathe();
    reason = stopReason(run, options);
  }
  if (reason !== "finished") yield* perform(notYetDone(run, options), run);
  yield { type: "stopped", step: run.step, reason };
}

async function takeStep<B>(run: ActiveRun<B>, options: TrainOptions<B>): Promise<StepEnd> {
  const started = performance.now();
  const { parameters, optimizer, seed } = run;
  const step = run.step + 1;
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
    learningRate: optimizer.learningRate(step),
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

/** The actions of a step: smaller intervals first, then in the order given, those that come last at the end. */
function due<B>(step: number, { every = {}, steps }: TrainOptions<B>): Action[] {
  const actions = Object.entries(every).flatMap(([interval, actions]) =>
    step % Number(interval) === 0 || step === steps ? actions : [],
  );
  return [...new Set(actions)].sort((a, b) => Number(a.last ?? false) - Number(b.last ?? false));
}

/** The actions of an early end that its last step has not seen; none if there was no step since the start or resume. */
function notYetDone<B>(run: Run, options: TrainOptions<B>): Action[] {
  if (run.step === run.resumedFrom) return [];
  const done = new Set(due(run.step, options));
  return (options.whenStopped ?? []).filter((action) => !done.has(action));
}

async function* perform<B>(actions: readonly Action[], run: ActiveRun<B>): AsyncGenerator<TrainEvent> {
  for (const action of actions) {
    const event = await action(run);
    if (!event) continue;
    if (event.type === "eval-end") run.evaluations.push(event);
    yield event;
  }
}

function stopReason<B>(run: Run, { steps, stopAfter, signal, earlyStopping }: TrainOptions<B>): StopReason | undefined {
  if (run.step >= steps) return "finished";
  if (earlyStopping !== undefined && outOfPatience(run.evaluations, earlyStopping)) return "early-stopping";
  if (signal?.aborted) return "aborted";
  if (stopAfter !== undefined && run.step >= stopAfter) return "stop-after";
  return undefined;
}
