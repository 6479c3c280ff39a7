/** Our side of the training rows: learns a byte-level BPE, on command. Argument: {@link TrainingSettings}. */
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { trainBytePair } from "@tessera-lm/tokenizer/train";
import { serve } from "../../serve.ts";
import type { TrainingSettings } from "./rows.ts";

await serve(async () => {
  const { file, vocabSize } = JSON.parse(process.argv[2] ?? "{}") as TrainingSettings;
  const lines = readFileSync(file, "utf8").split(/(?<=\n)/);
  return {
    name: "tessera",
    run: async () => checksum(trainBytePair(lines, { vocabSize }).definition.merges ?? []),
  };
});

/** The same number as peer.py's for the same merges. */
function checksum(merges: readonly (readonly string[])[]): number {
  const text = merges.map((merge) => merge.join(" ")).join("\n");
  return Number.parseInt(createHash("sha256").update(text).digest("hex").slice(0, 12), 16);
}
