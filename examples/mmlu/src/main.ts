/** Scores a model on MMLU: `npm run example -- mmlu --model FOLDER --data FOLDER --limit 10`. */
import {
  createCommand,
  findModelFolder,
  nonNegativeInteger,
  passingOverUnknown,
  path,
  positiveInteger,
  runMain,
} from "@tessera-examples/common";
import { useBackend } from "@tessera-lm/backend";
import { mmlu, type Score } from "@tessera-lm/eval";
import { loadMmlu } from "@tessera-lm/eval/node";
import { loadModel } from "@tessera-lm/gpt/node";
import { loadTokenizer } from "@tessera-lm/tokenizer/node";

interface Options {
  readonly model?: string;
  readonly data: string;
  readonly subjects?: string[];
  readonly limit?: number;
  readonly shots: number;
  readonly json: boolean;
}

await runMain(async () => {
  const options = createCommand("npm run example -- mmlu", "Score a model on MMLU, five-shot.")
    .requiredOption("--data <folder>", "MMLU as its authors publish it: a folder with dev and test", path)
    .option("--model <folder>", "a model folder, or the folder of a run (default: the last run)", path)
    .option("--subjects <names...>", "only these subjects, such as anatomy astronomy (default: all)")
    .option("--limit <number>", "only the first so many questions of each subject", positiveInteger)
    .option("--shots <number>", "solved questions shown before each one", nonNegativeInteger, 5)
    .option("--json", "print the scores as JSON", false)
    .parse()
    .opts<Options>();
  const subjects = await loadMmlu(options.data, { subjects: options.subjects });
  const folder = await findModelFolder(options.model);
  const backend = await useBackend();
  const model = await loadModel(folder);
  const tokenizer = passingOverUnknown(await loadTokenizer(folder));

  console.error(`Scoring ${folder} on ${subjects.length} subjects (${backend.name}) …`);
  const live = process.stderr.isTTY;
  const onProgress = (done: number, total: number): void =>
    void (live && process.stderr.write(`\r${done} of ${total} answers`));
  const report = await mmlu(model, tokenizer, subjects, { shots: options.shots, limit: options.limit, onProgress });
  if (live) process.stderr.write("\n");

  const rows: (readonly [name: string, score: Score])[] = [
    ...report.tasks.map((task) => [task.name, task.accuracy] as const),
    ...[...report.groups].map(([group, { accuracy }]) => [group, accuracy] as const),
    ["all", report.overall.accuracy],
  ];
  if (options.json) return console.log(JSON.stringify(Object.fromEntries(rows), null, 2));
  for (const [name, { value, standardError, count }] of rows) {
    console.log(`${name.padEnd(36)} ${percent(value)} ± ${percent(standardError)}  ${count} questions`);
  }
  console.log("Guessing gives 25.0 %.");
  if (report.questionsWithFewerShots === 0) return;
  console.log(
    `${report.questionsWithFewerShots} questions were asked with fewer than ${options.shots} shots, because they would not fit.`,
  );
});

function percent(share: number): string {
  return `${(100 * share).toFixed(1).padStart(5)} %`;
}
