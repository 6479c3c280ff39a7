import { PlanError } from "../errors.ts";
import { requireOptions } from "../require-argument.ts";
import { shown } from "../shown.ts";
import { type Anatomy, anatomyOf, type ModelConfig } from "./anatomy.ts";
import { countFlops, type Flops } from "./flops.ts";
import { type Hardware, hardware as knownHardware } from "./hardware.ts";
import { type InferenceMemory, inferenceMemory, WEIGHT_FORMATS, type WeightFormat } from "./inference-memory.ts";
import { planText } from "./plan-text.ts";
import { optimalForModel, predictedLoss, type Scaling } from "./scaling-law.ts";
import { type LoraShape, type TrainingMemory, trainedParameters, trainingMemory } from "./training-memory.ts";

export interface PlanOptions {
  /** Texts of a step, in training and in generation. Default 1. */
  readonly batchSize?: number;
  /** T, how long they are. Default: the model's context. */
  readonly contextLength?: number;
  /** Tokens to train on. Default: as many as the scaling law finds best. */
  readonly tokens?: number;
  /** The adapter to plan for. Default: rank 8 in all linear layers of the blocks. */
  readonly lora?: LoraShape;
  /** Machines to train on, such as `await measureSpeed()` and `hardware`. Default `hardware`. */
  readonly hardware?: readonly Hardware[];
}

/** What a model will take. Memory is in bytes of tensors; the process needs about 200 MB besides. */
export interface Plan {
  readonly batchSize: number;
  readonly contextLength: number;
  /** Exact. */
  readonly parameters: number;
  readonly flops: Flops;
  readonly training: TrainingMemory;
  /** The same with gradient checkpointing. */
  readonly checkpointing: TrainingMemory;
  readonly lora: TrainingMemory & LoraShape & { readonly trainedParameters: number };
  readonly inference: Readonly<Record<WeightFormat, InferenceMemory>>;
  /** What the scaling law says of this model: the best number of tokens for it. */
  readonly optimal: Scaling;
  /** What it says of the number of tokens that was asked for. */
  readonly planned: Scaling;
  readonly runs: readonly Run[];
  /** All of it as tables. */
  toString(): string;
}

/** A training on one machine. */
export interface Run {
  readonly hardware: Hardware;
  readonly seconds: number;
  /** US dollars, where there is a price. */
  readonly cost?: number;
  /** Whether a step's tensors fit into its memory: as they are, only with checkpointing, or not; absent where unknown. */
  readonly fits?: "yes" | "with checkpointing" | "no";
}

/**
 * What a model of this configuration takes to train, to tune and to run: parameters, memory, operations, tokens, time
 * and money. Nothing of it is made.
 * @throws {ConfigError} for a configuration that no model can have
 * @throws {PlanError} for another kind of model, for an option out of range, and for texts longer than the context of a
 * model with learned positions
 */
export function plan(config: ModelConfig, options: PlanOptions = {}): Plan {
  const anatomy = anatomyOf(config);
  requireOptions("plan", options);
  const { batchSize = 1, contextLength = anatomy.contextLength, lora = { rank: 8 } } = options;
  requireCounts({ batchSize, contextLength, "lora.rank": lora?.rank, tokens: options.tokens ?? 1 });
  requirePositions(anatomy, contextLength);
  const machines = checkedHardware(options.hardware ?? knownHardware);
  const shape = { batchSize, contextLength };
  const flops = countFlops(anatomy, contextLength);
  const [training, checkpointing] = [false, true].map((on) =>
    trainingMemory(anatomy, { ...shape, checkpointing: on }),
  ) as [TrainingMemory, TrainingMemory];
  const optimal = optimalForModel(anatomy.parameters);
  const tokens = options.tokens ?? Math.round(optimal.tokens);
  const made = {
    ...shape,
    parameters: anatomy.parameters,
    flops,
    training,
    checkpointing,
    lora: loraPlan(anatomy, shape, lora),
    inference: inferencePlan(anatomy, shape),
    optimal,
    planned: scalingOf(anatomy.parameters, tokens, flops),
    runs: machines.map((each) => run(each, tokens * flops.perToken, training, checkpointing)),
  };
  return { ...made, toString: () => planText(made) };
}

type Shape = Pick<Plan, "batchSize" | "contextLength">;

function loraPlan(anatomy: Anatomy, shape: Shape, lora: LoraShape): Plan["lora"] {
  const { targets } = lora;
  const count = targets === undefined || Array.isArray(targets) ? trainedParameters(anatomy, lora) : 0;
  if (count === 0) {
    const expected = "ends of the paths of linear layers in blocks, such as feedForward.up";
    throw new PlanError(`plan: lora.targets is ${shown(targets)}; it must be a list of ${expected}.`);
  }
  const memory = trainingMemory(anatomy, { ...shape, checkpointing: false, lora });
  return { ...memory, ...lora, trainedParameters: count };
}

function inferencePlan(anatomy: Anatomy, shape: Shape): Plan["inference"] {
  const entries = WEIGHT_FORMATS.map((format) => [format, inferenceMemory(anatomy, { ...shape, format })]);
  return Object.fromEntries(entries) as Plan["inference"];
}

function scalingOf(parameters: number, tokens: number, { perToken }: Flops): Scaling {
  return { parameters, tokens, flops: tokens * perToken, loss: predictedLoss(parameters, tokens) };
}

function run(machine: Hardware, flops: number, plain: TrainingMemory, checkpointing: TrainingMemory): Run {
  const { peakFlops, utilization, pricePerHour, memory } = machine;
  const seconds = flops / (peakFlops * utilization);
  const fitting = memory === undefined ? undefined : plain.peak <= memory ? "yes" : checkpointing.peak <= memory;
  return {
    hardware: machine,
    seconds,
    ...(pricePerHour !== undefined && { cost: (seconds / 3600) * pricePerHour }),
    ...(fitting !== undefined && { fits: fitting === "yes" ? "yes" : fitting ? "with checkpointing" : "no" }),
  };
}

function requireCounts(counts: Readonly<Record<string, number>>): void {
  for (const [name, value] of Object.entries(counts)) {
    if (Number.isSafeInteger(value) && value > 0) continue;
    throw new PlanError(`plan: ${name} is ${shown(value)}; it must be a positive whole number.`);
  }
}

/** Each learned position is a parameter: of longer texts the model would be another one. */
function requirePositions(anatomy: Anatomy, contextLength: number): void {
  if (!anatomy.shapes.has("positionEmbedding.weight") || contextLength <= anatomy.contextLength) return;
  const has = `the model has ${anatomy.contextLength} learned positions, each a part of its parameters`;
  throw new PlanError(
    `plan: contextLength is ${contextLength}, but ${has}. Give at most ${anatomy.contextLength}, or plan a configuration whose own contextLength is ${contextLength}.`,
  );
}

function checkedHardware(machines: readonly Hardware[]): readonly Hardware[] {
  const isMachine = (machine: Hardware): boolean => machine?.peakFlops > 0 && machine.utilization > 0;
  if (Array.isArray(machines) && machines.every(isMachine)) return machines;
  const expected = "a list of machines with peakFlops and utilization, such as hardware and await measureSpeed()";
  throw new PlanError(`plan: hardware is ${shown(machines)}; it must be ${expected}.`);
}
