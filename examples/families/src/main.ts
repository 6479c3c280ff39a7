/** Trains a model of each kind on its own objective: `npm run example -- families`. */
import {
  createCommand,
  findCorpus,
  interruptSignal,
  nonNegativeInteger,
  path,
  positiveInteger,
  runMain,
} from "@tessera-examples/common";
import { useBackend } from "@tessera-lm/backend";
import { type BatchSource, corruptedSpans, inMemoryTokens, maskedTokens, randomWindows } from "@tessera-lm/data";
import { createDecoder, createEncoder, createEncoderDecoder } from "@tessera-lm/gpt";
import { dispose, parameters } from "@tessera-lm/layers";
import { characterTokenizer } from "@tessera-lm/tokenizer";
import {
  adamw,
  chain,
  clipByGlobalNorm,
  nextToken,
  type Objective,
  sequenceToSequence,
  train,
  warmupCosine,
} from "@tessera-lm/trainer";

interface Options {
  readonly data?: string;
  readonly steps: number;
  readonly seed: number;
}

/** Gaps of a row: 64 tokens, 15 % of which are cut out in spans of 3. */
const NUM_SENTINELS = 3;

await runMain(async () => {
  const { data, steps, seed } = createCommand(
    "npm run example -- families",
    "Train a decoder, an encoder and an encoder-decoder, each on its own objective.",
  )
    .option("--data <file>", "the text to learn from (default: tiny Shakespeare)", path)
    .option("--steps <number>", "how many steps each", positiveInteger, 300)
    .option("--seed <number>", "seed of the weights and the batches", nonNegativeInteger, 1)
    .parse()
    .opts<Options>();
  const { text, source, note } = await findCorpus(data);
  if (note !== undefined) console.log(note);
  const backend = await useBackend();
  const tokenizer = characterTokenizer(text);
  const tokens = inMemoryTokens(tokenizer.encode(text));
  console.log(`${tokens.length.toLocaleString("en")} characters of ${source}, computed by ${backend.name}`);

  // Characters are tokens; after them come those that the objectives need.
  const maskToken = tokenizer.vocabSize;
  const endOfText = maskToken + 1;
  const sentinels = Array.from({ length: NUM_SENTINELS }, (_, i) => endOfText + 1 + i);
  const vocabSize = endOfText + 1 + NUM_SENTINELS;
  const size = { vocabSize, contextLength: 64, numLayers: 2, numHeads: 4, width: 64 };
  const ignorance = Math.log(vocabSize).toFixed(2);
  console.log(`Loss is in nats per token; a model that knows nothing loses ln ${vocabSize} = ${ignorance}.`);
  const windows = (): BatchSource => randomWindows(tokens, { batchSize: 16, contextLength: 64, seed });

  /** The whole of training, whatever the model and the objective. */
  async function learn<B>(
    name: string,
    model: object,
    objective: Objective<B>,
    batches: BatchSource<B>,
  ): Promise<void> {
    if (signal.aborted) return; // one Ctrl-C ends all three
    const own = parameters(model);
    const count = [...own.values()].reduce((sum, { size: numbers }) => sum + numbers, 0);
    console.log(`\n${name}: ${count.toLocaleString("en")} parameters`);
    const learningRate = warmupCosine({ peak: 3e-3, warmupSteps: Math.ceil(steps / 10), steps });
    const optimizer = chain(clipByGlobalNorm(1), adamw({ learningRate }));
    let losses: number[] = [];
    for await (const event of train({ parameters: own, objective, batches, optimizer, steps, seed, signal })) {
      if (event.type !== "step-end") continue;
      losses.push(event.loss);
      if (event.step !== 1 && event.step % Math.ceil(steps / 6) !== 0) continue;
      const mean = losses.reduce((sum, loss) => sum + loss, 0) / losses.length;
      console.log(`step ${event.step}/${steps}  loss ${mean.toFixed(3)}`);
      losses = [];
    }
    dispose(model);
  }

  const signal = interruptSignal();
  const decoder = createDecoder({ ...size, tieEmbeddings: true }, seed);
  await learn("A decoder tells the next token", decoder, nextToken(decoder), windows());

  const encoder = createEncoder(size, seed);
  const masked = maskedTokens(windows(), { maskToken, vocabSize: tokenizer.vocabSize, seed });
  await learn("An encoder tells masked tokens", encoder, nextToken(encoder), masked);

  const writer = createEncoderDecoder({ ...size, padToken: endOfText, endOfText }, seed);
  const spans = corruptedSpans(windows(), { sentinels, endOfText, seed });
  await learn("An encoder-decoder fills gaps", writer, sequenceToSequence(writer), spans);
});
