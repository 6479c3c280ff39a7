import { dirname } from "node:path";
import type { TrainEvent } from "@tessera-lm/trainer";
import progress, { MultiBar, Presets, type TimeFormatter } from "cli-progress";
import pc from "picocolors";
import type { Done, RunFacts } from "./record.ts";
import type { RunPlan } from "./run-folder.ts";

/** What a person or a program is shown of the run: events while it goes on, and words before and after. */
export interface View {
  /** A line for a person; not part of the events. */
  say(line: string): void;
  /** What is about to run, before the first step. */
  begin(plan: RunPlan, facts: RunFacts, resumedFrom?: number): void;
  show(event: RunEvent): void;
  close(): void;
}

/** Any event of the run: the trainer's, or the last one, `done`. */
export type RunEvent = TrainEvent | Done;

/** One JSON event per line on standard output, and nothing else. */
export const jsonView = (): View => ({
  say: () => {},
  begin: () => {},
  show: (event) => void process.stdout.write(`${JSON.stringify(event)}\n`),
  close: () => {},
});

/** A progress bar with the samples above it; on a pipe or in a log file, a line now and then instead. */
export function terminalView(steps: number): View {
  const bars = new MultiBar(
    {
      format: `${pc.cyan("{bar}")} step {value}/{total}  loss {loss}  validation {validation}  {speed} tokens/s  {eta_formatted} left`,
      etaBuffer: 50,
      formatTime: timeLeft,
      barsize: 24,
      hideCursor: true,
      clearOnComplete: true,
      gracefulExit: false, // Ctrl-C belongs to the run, which saves before it ends.
    },
    Presets.shades_classic,
  );
  const shown = { loss: "–", validation: "–", speed: "–" };
  let live = process.stdout.isTTY === true;
  const bar = live ? bars.create(steps, 0, shown) : undefined;
  const print = (text: string): void => void (live ? bars.log(`${text}\n`) : process.stdout.write(`${text}\n`));
  let stoppedAt: number | undefined;
  const everyNth = Math.max(1, Math.ceil(steps / 20));

  const show = (event: RunEvent): void => {
    if (event.type === "step-end") {
      shown.loss = decimals(event.loss, 3);
      shown.speed = decimals(event.tokensPerSecond, 0);
      bar?.update(event.step, shown);
      if (!live && event.step % everyNth === 0) {
        print(`step ${event.step}/${steps}  loss ${shown.loss}  ${shown.speed} tokens/s`);
      }
    }
    if (event.type === "eval-end") {
      shown.validation = decimals(event.loss, 3);
      print(pc.bold(`step ${event.step}: ${event.name} loss ${shown.validation}`));
    }
    if (event.type === "stopped" && event.reason !== "finished") stoppedAt = event.step;
    if (event.type === "done") print(farewell(event, stoppedAt));
    if (event.type === "sample") print(pc.dim(indented(event.text)));
  };
  const begin: View["begin"] = (plan, facts, resumedFrom) => {
    print(introduction(plan, facts, resumedFrom));
    bar?.start(steps, resumedFrom ?? 0, shown); // what was done before says nothing about the time that is left
  };
  // The bar prints what is logged when it is drawn again, so what comes after its end goes straight out.
  const close = (): void => {
    bars.update();
    bars.stop();
    live = false;
  };
  return { say: print, begin, show, close };
}

/** `–` as long as nothing is known: before the first steps the bar has no number, but `INF` or `NULL`. */
export const timeLeft: TimeFormatter = (seconds, ...how) =>
  Number.isFinite(seconds) ? progress.Format.TimeFormat(seconds, ...how) : "–";

function introduction({ path, preset, steps }: RunPlan, facts: RunFacts, resumedFrom?: number): string {
  const thousands = (value: number): string => value.toLocaleString("en");
  return [
    `${pc.bold("Text")}   ${facts.source}: ${thousands(facts.trainingTokens)} tokens to learn, ${thousands(facts.validationTokens)} held out, vocabulary ${thousands(facts.vocabSize)}`,
    `${pc.bold("Model")}  GPT, preset ${preset}: ${thousands(facts.parameters)} parameters, computed by ${facts.backend}`,
    `${pc.bold("Run")}    ${steps} steps into ${path}${resumedFrom === undefined ? "" : `, from step ${resumedFrom} on`}`,
  ].join("\n");
}

function farewell({ checkpoint, report, valLoss, medianStepMilliseconds }: Done, stoppedAt?: number): string {
  const out = dirname(report);
  const validation = valLoss === undefined ? "" : `validation loss ${decimals(valLoss, 3)}, `;
  const numbers = `${validation}${decimals(medianStepMilliseconds, 1)} ms a step`;
  const lines = [
    "",
    `${pc.bold("Model")}   ${checkpoint}  (${numbers})`,
    `${pc.bold("Report")}  ${report}`,
    `${pc.bold("Write")}   npm run example -- generate --model ${out} --prompt "The"`,
    `${pc.bold("Chat")}    npm run example -- generate --model ${out}`,
    `${pc.bold("Tune")}    npm run example -- finetune --model ${out}`,
  ];
  if (stoppedAt !== undefined) {
    lines.unshift(`Stopped after step ${stoppedAt}. Go on where it stopped:  npm start -- --resume --out ${out}`);
  }
  return lines.join("\n");
}

const decimals = (value: unknown, digits: number): string => Number(value).toFixed(digits);

const indented = (text: string): string => text.replace(/^/gm, "  │ ");
