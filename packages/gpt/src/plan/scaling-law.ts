import { PlanError } from "../errors.ts";

/** What the law says of a model of N parameters that learns from D tokens. */
export interface Scaling {
  /** N */
  readonly parameters: number;
  /** D */
  readonly tokens: number;
  /** C = 6 · N · D, floating-point operations of the training. */
  readonly flops: number;
  /** In nats per token, of texts like those that the law was measured on. */
  readonly loss: number;
}

/** Hoffmann et al. 2022, "Training compute-optimal large language models", https://arxiv.org/abs/2203.15556, appendix D.3. */
const LAW = { irreducible: 1.69, ofParameters: 406.4, alpha: 0.34, ofTokens: 410.7, beta: 0.28 };

/** L = 1.69 + 406.4 / N^0.34 + 410.7 / D^0.28: the loss of N parameters after D tokens. */
export function predictedLoss(parameters: number, tokens: number): number {
  return LAW.irreducible + LAW.ofParameters / parameters ** LAW.alpha + LAW.ofTokens / tokens ** LAW.beta;
}

/**
 * The model and the number of tokens with the lowest loss that a budget of operations can buy: of 6 · N · D = C the
 * minimum is N = G · (C / 6)^(β / (α + β)), G = (α · A / (β · B))^(1 / (α + β)).
 * @param flops C
 * @throws {PlanError} unless it is a positive number
 */
export function optimalForCompute(flops: number): Scaling {
  requirePositive("flops", flops);
  const { alpha, beta, ofParameters, ofTokens } = LAW;
  const ratio = ((alpha * ofParameters) / (beta * ofTokens)) ** (1 / (alpha + beta)); // G
  const parameters = ratio * (flops / 6) ** (beta / (alpha + beta));
  return scaling(parameters, flops / (6 * parameters));
}

/**
 * The number of tokens that a model should learn from, for its compute to be spent best: the reverse of
 * {@link optimalForCompute}.
 * @param parameters N
 * @throws {PlanError} unless it is a positive number
 */
export function optimalForModel(parameters: number): Scaling {
  requirePositive("parameters", parameters);
  const { alpha, beta, ofParameters, ofTokens } = LAW;
  // At the optimum α · A / N^α = β · B / D^β.
  return scaling(parameters, ((beta * ofTokens * parameters ** alpha) / (alpha * ofParameters)) ** (1 / beta));
}

function scaling(parameters: number, tokens: number): Scaling {
  return { parameters, tokens, flops: 6 * parameters * tokens, loss: predictedLoss(parameters, tokens) };
}

function requirePositive(name: string, value: number): void {
  if (value > 0 && value < Infinity) return;
  throw new PlanError(`${name} is ${value}; it must be a positive number.`);
}
