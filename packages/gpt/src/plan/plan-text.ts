import { grouped, inBytes, inThousands, textTable } from "../text-table.ts";
import { PRICES_OF } from "./hardware.ts";
import { WEIGHT_FORMATS, type WeightFormat } from "./inference-memory.ts";
import type { Plan, Run } from "./plan.ts";
import type { TrainingMemory } from "./training-memory.ts";

/** A plan as tables, one below the other. */
export function planText(plan: Omit<Plan, "toString">): string {
  const { parameters, batchSize, contextLength } = plan;
  const texts = `${batchSize} ${batchSize === 1 ? "text" : "texts"} of ${grouped(contextLength)} tokens`;
  return [
    `${grouped(parameters)} parameters`,
    `Training on ${texts} a step, float32\n${trainingTable(plan)}\n${ruleOfThumb(plan.training)}`,
    `Running ${texts}\n${inferenceTable(plan)}`,
    `Operations\n${flopsTable(plan)}`,
    `Tokens (Hoffmann et al. 2022)\n${tokensTable(plan)}${parameters < FITTED_FROM ? TOO_SMALL : ""}`,
    `Time and money for ${inThousands(plan.planned.tokens)} tokens\n${runsTable(plan.runs)}`,
    ...(plan.runs.some(({ cost }) => cost !== undefined)
      ? [`Prices are those of spot instances in ${PRICES_OF}.`]
      : []),
    "k, M, G, T, P, E and Z stand for 10³, 10⁶, 10⁹, 10¹², 10¹⁵, 10¹⁸ and 10²¹.",
  ].join("\n\n");
}

function trainingTable({ training, checkpointing, lora }: Omit<Plan, "toString">): string {
  const row = (name: string, of: (memory: TrainingMemory) => number): string[] => [
    name,
    ...[training, checkpointing, lora].map((memory) => inBytes(of(memory))),
  ];
  const head = ["memory", "all weights", "with checkpointing", `LoRA of rank ${lora.rank}`];
  return textTable(head, [
    row("weights", ({ weights }) => weights),
    row("gradients", ({ gradients }) => gradients),
    row("AdamW's moments", ({ moments }) => moments),
    row("activations", ({ activations }) => activations),
    row("logits at a time", ({ logits }) => logits),
    row("peak, which is less than the sum", ({ peak }) => peak),
  ]);
}

function ruleOfThumb({ ruleOfThumb, peak }: TrainingMemory): string {
  return `Rule of thumb: six times the weights, ${inBytes(ruleOfThumb)}; the exact peak is ${(peak / ruleOfThumb).toFixed(2)} times that.`;
}

function inferenceTable({ inference }: Omit<Plan, "toString">): string {
  const cells = (format: WeightFormat): string[] => {
    const { weights, cache, working, peak } = inference[format];
    return [format, ...[weights, cache, working, peak].map(inBytes)];
  };
  return textTable(["weights in", "weights", "keys and values", "working", "peak"], WEIGHT_FORMATS.map(cells));
}

function flopsTable({ flops, contextLength }: Omit<Plan, "toString">): string {
  return textTable(
    ["", "FLOPs"],
    [
      [`forward, ${grouped(contextLength)} tokens`, inThousands(flops.forward)],
      ["backward", inThousands(flops.backward)],
      ["training, a token", inThousands(flops.perToken)],
      ["by 6 · N + 12 · L · C · T", inThousands(flops.perTokenEstimate)],
    ],
  );
}

/** Far below the 44 million parameters that the law was fitted from, it predicts worse than guessing. */
const FITTED_FROM = 10e6;
const TOO_SMALL =
  "\nThe law was fitted from 44 million parameters on and predicts no loss of a model that is so small.";

function tokensTable({ optimal, planned }: Omit<Plan, "toString">): string {
  const same = optimal.tokens.toPrecision(6) === planned.tokens.toPrecision(6);
  const rows = [optimal, ...(same ? [] : [planned])].map(({ tokens, parameters, flops, loss }, i) => [
    i === 0 ? "best for this model" : "planned",
    inThousands(tokens),
    (tokens / parameters).toFixed(1),
    inThousands(flops),
    parameters < FITTED_FROM ? "–" : loss.toFixed(2),
  ]);
  return textTable(["", "tokens", "for each parameter", "FLOPs", "predicted loss"], rows);
}

function runsTable(runs: readonly Run[]): string {
  const rows = runs.map(({ hardware, seconds, cost, fits }) => [
    hardware.name,
    `${inThousands(hardware.peakFlops)}FLOP/s`,
    `${Math.round(100 * hardware.utilization)} %`,
    duration(seconds),
    cost === undefined ? "" : dollars(cost),
    fits ?? "",
  ]);
  return textTable(["machine", "peak speed", "reached", "time", "price", "memory suffices"], rows);
}

const dollars = (cost: number): string => (cost < 0.01 ? "<$0.01" : `$${cost < 100 ? cost.toFixed(2) : grouped(cost)}`);

/** In the unit that suits it: `3.5 days`. */
function duration(seconds: number): string {
  const units = [
    ["years", 365.25 * 86_400],
    ["days", 86_400],
    ["hours", 3600],
    ["minutes", 60],
  ] as const;
  const [name, length] = units.find(([, each]) => seconds >= 1.5 * each) ?? ["seconds", 1];
  const value = seconds / length;
  return `${value < 100 ? value.toPrecision(2) : grouped(value)} ${name}`;
}
