/** The main job: `npm start` trains a GPT on Shakespeare and keeps what it learned. */
import { join } from "node:path";
import {
  type Corpus,
  findCorpus,
  findSameCorpus,
  interruptSignal,
  runMain,
  UsageError,
  writeWholeText,
} from "@tessera-examples/common";
import { useBackend } from "@tessera-lm/backend";
import {
  type BatchSource,
  inMemoryTokens,
  randomWindows,
  slidingWindows,
  splitText,
  type TokenSource,
} from "@tessera-lm/data";
import { evaluateLoss } from "@tessera-lm/eval";
import { countParameters, createGpt2, type Gpt2 } from "@tessera-lm/gpt";
import { loadModel, saveModel } from "@tessera-lm/gpt/node";
import { parameters } from "@tessera-lm/layers";
import type { Tokenizer } from "@tessera-lm/tokenizer";
import { loadTokenizer, saveTokenizer } from "@tessera-lm/tokenizer/node";
import {
  type Action,
  adamw,
  chain,
  clipByGlobalNorm,
  evaluate,
  nextToken,
  type Schedule,
  saveCheckpoint,
  train,
  warmupCosine,
} from "@tessera-lm/trainer";
import { checkpoints } from "@tessera-lm/trainer/node";
import { readOptions } from "./options.ts";
import { type Preset, presets } from "./presets.ts";
import { openRecord, type RunFacts } from "./record.ts";
import { loadLatest, requireStepAhead } from "./resume.ts";
import { openRunFolder, planRun } from "./run-folder.ts";
import { jsonView, terminalView } from "./view.ts";
import { chooseTokenizer } from "./vocabulary.ts";

await runMain(async () => {
  const options = readOptions(process.argv);
  const plan = await planRun(options);
  const { seed, steps } = plan;
  const preset = presets[plan.preset];
  const { batchSize, contextLength } = preset;
  const view = options.json ? jsonView() : terminalView(steps);

  const backend = await useBackend(options.backend);
  const corpus = await (plan.textSha256 === undefined
    ? findCorpus(plan.data)
    : findSameCorpus(plan.data, plan.textSha256));
  const tokenizer = options.resume
    ? await loadTokenizer(plan.path)
    : await chooseTokenizer(preset, corpus.text, view.say);
  requireEnough(corpus, preset);
  const text = splitText(corpus.text, { validation: 0.1 });
  const training = inMemoryTokens(tokenizer.encode(text.training));
  const validation = inMemoryTokens(tokenizer.encode(text.validation));
  const batches = randomWindows(training, { batchSize, contextLength, seed });
  const interval = Math.min(250, Math.max(10, Math.ceil(steps / 8)));
  const validationBatches = evenWindows(validation, preset, Math.max(20, interval));

  const { numLayers, numHeads, width, vocabSize = tokenizer.vocabSize } = preset;
  const model = createGpt2(
    { vocabSize, contextLength, numLayers, numHeads, width, bias: false, activation: "gelu" },
    seed,
  );
  const store = checkpoints(join(plan.path, "checkpoints"), {
    keepLast: 2,
    keepBest: { metric: "validation.loss" },
    writeModel: async (path) => {
      await saveModel(model, path);
      await saveTokenizer(tokenizer, path);
    },
    readModel: async (path) => parameters(await loadModel(path)),
  });
  await openRunFolder(plan, corpus, tokenizer, backend.name);
  const resume = options.resume ? await loadLatest(store) : undefined;
  requireStepAhead(options.stopAfter, resume);
  const facts: RunFacts = {
    backend: backend.name,
    source: corpus.source,
    parameters: countParameters(model.config),
    vocabSize,
    trainingTokens: training.length,
    validationTokens: validation.length,
  };
  const record = await openRecord(plan, facts, resume?.state.step ?? 0);
  view.begin(plan, facts, resume?.state.step);
  if (corpus.note !== undefined) view.say(corpus.note);
  if (resume !== undefined && plan.backend !== undefined && plan.backend !== backend.name) {
    view.say(`The run began on ${plan.backend}: on ${backend.name} its losses differ in the last digits.`);
  }
  if (options.resume && resume === undefined) view.say("There is no checkpoint yet: the run begins again at step 1.");

  const validate = evaluate("validation", ({ signal }) => evaluateLoss(model, validationBatches, { signal }));
  const save = saveCheckpoint(store);
  const run = train({
    parameters: parameters(model),
    objective: nextToken(model, { checkpointing: options.gradientCheckpointing }),
    batches,
    optimizer: chain(
      clipByGlobalNorm(1),
      adamw({ learningRate: learningRate(preset, steps), beta2: 0.99, weightDecay: 0.1 }),
    ),
    steps,
    stopAfter: options.stopAfter,
    seed,
    every: { [interval]: [validate, sample(model, tokenizer, seed), save] },
    whenStopped: [save],
    signal: interruptSignal(),
    resume,
  });
  try {
    for await (const event of run) {
      await record.add(event);
      view.show(event);
    }
  } finally {
    view.close();
  }
  view.show(await record.finish(await store.latest()));
});

/** A tenth of the text is held out, and even that must fill a window. @throws UsageError */
function requireEnough({ text, source }: Corpus, { tokenizer, contextLength }: Preset): void {
  const needed = 10 * (contextLength + 2);
  if (tokenizer !== "character" || text.length >= needed) return;
  throw new UsageError(
    `${source} is too short: it has ${text.length} characters, and ${needed} are needed, because a tenth is held out and must fill a window of ${contextLength}.`,
  );
}

/** nanoGPT's schedule: up over the warmup, then along a cosine to a tenth of the peak. */
function learningRate({ warmupSteps, learningRate: peak }: Preset, steps: number): Schedule {
  return warmupCosine({ peak, end: peak / 10, warmupSteps: Math.min(warmupSteps, Math.floor(steps / 10)), steps });
}

/** All of the text that is not trained on, or windows spread evenly over it if that would be more than `most` batches. */
function evenWindows(tokens: TokenSource, { batchSize, contextLength }: Preset, most: number): BatchSource {
  const stride = Math.max(contextLength, Math.ceil((tokens.length - contextLength) / (most * batchSize)));
  return slidingWindows(tokens, { batchSize, contextLength, stride });
}

/** Lets the model write, so that a person sees what it has learned so far. */
function sample(model: Gpt2, tokenizer: Tokenizer, seed: number): Action {
  return async ({ step, signal }) => {
    const text = await writeWholeText(model, tokenizer, "\n", { maxNewTokens: 200, temperature: 0.8, seed, signal });
    signal?.throwIfAborted(); // A text that was cut short is no sample.
    return { type: "sample", step, text };
  };
}
