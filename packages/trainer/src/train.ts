import type { Parameter } from "@tessera-lm/layers";
import type { Action } from "./actions.ts";
import { type ResumableBatches, take } from "./batches.ts";
import { breathe } from "./breathe.ts";
import type { Checkpoint } from "./checkpoint.ts";
import { type EarlyStopping, outOfPatience } from "./early-stopping.ts";
import { InvalidOptionError, NonFiniteLossError } from "./errors.ts";
import type { StepEnd, StopReason, TrainEvent } from "./events.ts";
import { type LossAndGradients, lossAndGradients } from "./loss-and-gradients.ts";
import type { Objective } from "./objective.ts";
import { disposeGradients } from "./optimizers/gradients.ts";
import type { Optimizer } from "./optimizers/optimizer.ts";
import { type ActiveRun, type Run, startOrResume } from "./run.ts";

export interface TrainOptions<B> {
  /** What is trained, by name; every other parameter of the model is frozen. */
  readonly parameters: ReadonlyMap<string, Parameter>;
  readonly objective: Objective<B>;
  readonly batches: ResumableBatches<B>;
  readonly optimizer: Optimizer;
  /** Length of the whole run, also over several resumes: what the learning-rate schedule spans. */
  readonly steps: number;
  /** Ends the run after this step, as an interruption would. */
  readonly stopAfter?: number;
  /** Micro-batches per step; 1 by default. */
  readonly accumulate?: number;
  /** Of dropout; 0 by default. A resumed run keeps the seed that it began with. */
  readonly seed?: number;
  /** `{ 250: [a, b] }` does a and b after every 250th step and after step `steps`. */
  readonly every?: Readonly<Record<number, readonly Action[]>>;
  /** Done when the run ends before step `steps`, unless already done at that step: the place to save a checkpoint. */
  readonly whenStopped?: readonly Action[];
  readonly earlyStopping?: EarlyStopping;
  /** When aborted, the run ends after the step in progress. */
  readonly signal?: AbortSignal;
  /** Goes on from a checkpoint. It is checked before anything of the run is changed. */
  readonly resume?: Checkpoint;
}

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

function notYetDone<B>(run: Run, options: TrainOptions<B>): Action[] {
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

function checkOptions<B>({ parameters, steps, accumulate = 1, every = {} }: TrainOptions<B>): void {
  if (parameters.size === 0) throw new InvalidOptionError("parameters", "empty", "at least one parameter to train");
  const counts = Object.keys(every).map((interval) => [`every[${interval}]`, Number(interval)] as const);
  for (const [option, count] of [["steps", steps], ["accumulate", accumulate], ...counts] as const) {
    if (!(Number.isSafeInteger(count) && count >= 1)) {
      throw new InvalidOptionError(option, count, "a whole number of at least 1");
    }
  }
}
