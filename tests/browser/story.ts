import { generate, readModel } from "../../packages/gpt/src/index.ts";
import { dispose } from "../../packages/layers/src/index.ts";
import { tokenizerFromFile } from "../../packages/tokenizer/src/index.ts";
import { bytesSource, openSafetensors } from "../../packages/weights/src/index.ts";

/** Reads a file of the folder with the model, wherever that is. */
export type ReadFile = (name: string) => Promise<Uint8Array>;

/** What stories260K tells by itself, on whatever backend is current. */
export async function tellStory(readFile: ReadFile): Promise<string> {
  const config = JSON.parse(new TextDecoder().decode(await readFile("hf_layout/config.json")));
  const file = await openSafetensors(bytesSource(await readFile("hf_layout/model.safetensors")));
  const tokenizer = tokenizerFromFile(await readFile("tok512.model"));
  const model = await readModel(config, file);
  const ids: number[] = [];
  for await (const id of generate(model, [1], { maxNewTokens: 200, temperature: 0 })) ids.push(id);
  dispose(model);
  return tokenizer.decode(ids);
}
