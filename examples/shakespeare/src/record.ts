import { appendFile, readFile } from "node:fs/promises";
import { join } from "node:path";
import type { TrainEvent } from "@tessera-lm/trainer";
import { writeFileAtomic } from "@tessera-lm/weights/node";
import { renderReport } from "./report.ts";
import type { RunPlan } from "./run-folder.ts";

/** What the events do not tell. */
export interface RunFacts {
  readonly backend: string;
  readonly parameters: number;
  readonly source: string;
  readonly vocabSize: number;
  readonly trainingTokens: number;
  readonly validationTokens: number;
}

/** The last event of a run: what it came to. */
export interface Done {
  readonly type: "done";
  readonly parameters: number;
  readonly steps: number;
  readonly valLoss?: number;
  readonly medianStepMilliseconds?: number;
  readonly peakRssBytes: number;
  readonly checkpoint?: string;
  readonly report: string;
  readonly backend: string;
  readonly [fact: string]: unknown;
}

/** Everything that happened in a run, kept as JSON Lines in its folder and drawn at the end. */
export interface RunRecord {
  add(event: TrainEvent): Promise<void>;
  /** Draws the report. @param checkpoint the last one that there is: the recorded ones may be where the folder once was */
  finish(checkpoint: string | undefined): Promise<Done>;
}

/** Begins the record of a run, or takes up what was recorded until `resumedFrom`, the step of the checkpoint. */
export async function openRecord(plan: RunPlan, facts: RunFacts, resumedFrom: number): Promise<RunRecord> {
  const path = join(plan.path, "events.jsonl");
  const events = resumedFrom === 0 ? [] : (await readEvents(path)).filter(({ step }) => step <= resumedFrom);
  await writeFileAtomic(path, events.map(toLine).join(""));
  return {
    add: async (event) => {
      if (event.type === "stopped") return;
      events.push(event);
      await appendFile(path, toLine(event));
    },
    finish: async (checkpoint) => {
      const report = join(plan.path, "report.html");
      await writeFileAtomic(report, await renderReport(reportContent(plan, facts, events)));
      return summary(facts, events, { checkpoint, report });
    },
  };
}

const toLine = (event: TrainEvent): string => `${JSON.stringify(event)}\n`;

/** The events of a file; lines that a kill has cut or somebody has damaged are passed over. */
async function readEvents(path: string): Promise<TrainEvent[]> {
  const lines = (await readFile(path, "utf8").catch(() => "")).split("\n");
  return lines.flatMap((line) => parseEvent(line) ?? []);
}

function parseEvent(line: string): TrainEvent | undefined {
  try {
    const event: unknown = JSON.parse(line);
    return typeof event === "object" && event !== null && "type" in event ? (event as TrainEvent) : undefined;
  } catch {
    return undefined; // Not a whole line.
  }
}

type EventOf<Type extends TrainEvent["type"]> = Extract<TrainEvent, { type: Type }>;

const ofType = <Type extends TrainEvent["type"]>(events: readonly TrainEvent[], type: Type): EventOf<Type>[] =>
  events.filter((event): event is EventOf<Type> => event.type === type);

function summary(facts: RunFacts, events: readonly TrainEvent[], files: Pick<Done, "checkpoint" | "report">): Done {
  const steps = ofType(events, "step-end");
  return {
    type: "done",
    parameters: facts.parameters,
    steps: steps.at(-1)?.step ?? 0,
    valLoss: ofType(events, "eval-end").at(-1)?.loss,
    medianStepMilliseconds: median(steps.map(({ milliseconds }) => milliseconds)),
    peakRssBytes: process.resourceUsage().maxRSS * 1024,
    backend: facts.backend,
    ...files,
  };
}

const median = (values: readonly number[]): number | undefined => values.toSorted((a, b) => a - b)[values.length >> 1];

function reportContent(plan: RunPlan, facts: RunFacts, events: readonly TrainEvent[]) {
  const { path: _, ...settings } = plan;
  const steps = ofType(events, "step-end");
  const { valLoss, medianStepMilliseconds, peakRssBytes } = summary(facts, events, { report: "" });
  const curve = (label: string, key: "loss" | "learningRate" | "gradientNorm" | "tokensPerSecond") => ({
    label,
    points: steps.map((event) => ({ step: event.step, value: event[key] })),
  });
  const validation = ofType(events, "eval-end").map(({ step, loss }) => ({ step, value: loss ?? Number.NaN }));
  return {
    title: `A GPT that learned from ${facts.source}`,
    facts: Object.entries({ ...settings, ...facts, valLoss, medianStepMilliseconds, peakRssBytes }).map(
      ([name, value]) => [name, typeof value === "number" ? value.toLocaleString("en") : String(value ?? "–")] as const,
    ),
    charts: [
      {
        title: "Loss (nats per token)",
        curves: [curve("training", "loss"), { label: "validation", points: validation }],
      },
      { title: "Learning rate", curves: [curve("learning rate", "learningRate")] },
      { title: "Gradient norm, before clipping", curves: [curve("gradient norm", "gradientNorm")] },
      { title: "Tokens per second", curves: [curve("tokens/s", "tokensPerSecond")] },
    ],
    samples: ofType(events, "sample"),
  };
}
