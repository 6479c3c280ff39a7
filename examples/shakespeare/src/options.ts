import { choice, createCommand, nonNegativeInteger, path, positiveInteger } from "@tessera-examples/common";
import { type BackendName, backendNames } from "@tessera-lm/backend";
import { type PresetName, presetNames } from "./presets.ts";

/** What the command line said; what it left out is `undefined`, so that a resumed run can fill it in. */
export interface Options {
  readonly preset?: PresetName;
  readonly data?: string;
  readonly steps?: number;
  readonly stopAfter?: number;
  readonly out?: string;
  readonly resume: boolean;
  readonly backend?: BackendName;
  readonly seed?: number;
  readonly gradientCheckpointing: boolean;
  readonly json: boolean;
}

/** Reads the command line. Prints the help, or one line about a mistake, by way of Commander. */
export function readOptions(argv: readonly string[]): Options {
  const command = createCommand("npm start --", "Train a GPT on Shakespeare, watch it learn, and keep what it learned.")
    .option("--preset <name>", `size of the model: ${presetNames.join(", ")} (default: baby)`, choice(presetNames))
    .option("--data <file>", "text to learn from (default: tiny Shakespeare)", path)
    .option("--steps <number>", "length of the whole run, which the learning rate spans", positiveInteger)
    .option("--stop-after <number>", "stop early after this step, as an interruption would", positiveInteger)
    .option(
      "--out <folder>",
      "where checkpoints and the report go (default: out/shakespeare, or the next free number)",
      path,
    )
    .option("--resume", "go on from the last checkpoint of the last run, or of the one in --out", false)
    .option("--backend <name>", "what computes (default: the fastest here)", choice(backendNames))
    .option("--seed <number>", "seed of the weights, the batches and the samples (default: 1337)", nonNegativeInteger)
    .option("--gradient-checkpointing", "compute blocks again in the backward pass: less memory, more time", false)
    .option("--json", "one JSON event per line on standard output and nothing else", false);
  return command.parse(argv).opts<Options>();
}
