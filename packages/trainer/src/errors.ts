/** An option that cannot be: names it, what arrived and what was expected. */
export class InvalidOptionError extends Error {
  override readonly name = "InvalidOptionError";
  readonly isTesseraError = true;
  readonly option: string;

  constructor(option: string, found: unknown, expected: string) {
    const shown = typeof found === "number" ? String(found) : (JSON.stringify(found) ?? String(found));
    super(`${option} is ${shown}; expected ${expected}.`);
    this.option = option;
  }
}

/** The loss or the gradient is no longer a finite number. The step was not applied: the parameters are those before it. */
export class NonFiniteLossError extends Error {
  override readonly name = "NonFiniteLossError";
  readonly isTesseraError = true;
  readonly step: number;
  readonly loss: number;
  readonly gradientNorm: number;

  constructor(step: number, loss: number, gradientNorm: number) {
    super(
      `Step ${step}: the loss is ${loss} and the gradient norm ${gradientNorm}. The step was not applied. ` +
        "Go on from the last checkpoint with a lower learning rate, a longer warmup or clipByGlobalNorm.",
    );
    this.step = step;
    this.loss = loss;
    this.gradientNorm = gradientNorm;
  }
}

/** A parameter is no longer a finite number: the run is not saved, so that the last checkpoint stays a good one. */
export class NonFiniteParameterError extends Error {
  override readonly name = "NonFiniteParameterError";
  readonly isTesseraError = true;
  readonly step: number;
  readonly parameter: string;

  constructor(step: number, parameter: string) {
    super(
      `Step ${step}: parameter ${JSON.stringify(parameter)} is no longer finite. No checkpoint was saved. ` +
        "Go on from the last checkpoint with a lower learning rate, a longer warmup or clipByGlobalNorm.",
    );
    this.step = step;
    this.parameter = parameter;
  }
}

/** A parameter that is to be trained has no influence on the loss. */
export class UnreachedParameterError extends Error {
  override readonly name = "UnreachedParameterError";
  readonly isTesseraError = true;
  readonly parameter: string;

  constructor(parameter: string) {
    super(
      `The loss does not depend on parameter ${JSON.stringify(parameter)}, so it cannot be trained. ` +
        "Leave it out of `parameters`, or compute the loss with the model that it belongs to.",
    );
    this.parameter = parameter;
  }
}

/** A parameter that is to be trained is frozen: `trainable` is false. */
export class FrozenParameterError extends Error {
  override readonly name = "FrozenParameterError";
  readonly isTesseraError = true;
  readonly parameter: string;

  constructor(parameter: string) {
    super(
      `Parameter ${JSON.stringify(parameter)} is frozen (trainable is false), so it cannot be trained. ` +
        "Hand over only what is trained, such as the parameters() of a LoRA adapter, or set its `trainable` to true.",
    );
    this.parameter = parameter;
  }
}

/** All targets of a step are ignored: there is nothing to learn from. */
export class NoTargetsError extends Error {
  override readonly name = "NoTargetsError";
  readonly isTesseraError = true;
  readonly step: number;

  constructor(step: number) {
    super(`Step ${step}: no batch of this step has a target; every one is ignored (−1). Check how targets are made.`);
    this.step = step;
  }
}

/** The batch source hands out nothing. */
export class EmptyBatchesError extends Error {
  override readonly name = "EmptyBatchesError";
  readonly isTesseraError = true;

  constructor() {
    super("`batches` hands out no batch. The text may be shorter than one window, or the source already used up.");
  }
}

/** A checkpoint belongs to another model, optimiser or objective: names the first tensor that does not fit. */
export class CheckpointMismatchError extends Error {
  override readonly name = "CheckpointMismatchError";
  readonly isTesseraError = true;
  /** The first name that does not fit. */
  readonly tensor: string;

  constructor(tensor: string, problem: string) {
    super(
      `The checkpoint is of another model or optimiser: ${tensor} ${problem}. Nothing was restored. ` +
        "Build the same model and optimiser as the run that saved it.",
    );
    this.tensor = tensor;
  }
}

/** An evaluation does not report the number that checkpoints or early stopping look for. */
export class UnknownMetricError extends Error {
  override readonly name = "UnknownMetricError";
  readonly isTesseraError = true;
  readonly metric: string;

  constructor(metric: string, known: readonly string[]) {
    super(`The evaluations do not report ${JSON.stringify(metric)}; they report ${known.join(", ") || "nothing"}.`);
    this.metric = metric;
  }
}
