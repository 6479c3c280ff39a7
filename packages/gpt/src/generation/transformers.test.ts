import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { dispose } from "@tessera-lm/layers";
import { expect, test } from "vitest";
import { loadModel } from "../storage/load-model.ts";
import { collect } from "../testing/collect.ts";
import { type Beam, type BeamSearchOptions, beamSearch } from "./beam-search.ts";
import { generate } from "./generate.ts";
import type { GenerateOptions } from "./options.ts";

interface Case {
  readonly model: string;
  readonly prompt: number[];
  readonly options: BeamSearchOptions & GenerateOptions;
  readonly tokens?: number[];
  readonly beams?: Beam[];
}
const cases: Case[] = JSON.parse(readFileSync(new URL("./fixtures/generation.json", import.meta.url), "utf8"));
const folder = (name: string): string => fileURLToPath(new URL(`../families/fixtures/${name}`, import.meta.url));

test.each(cases.filter(({ tokens }) => tokens))(
  "$model continues $prompt with $options as in transformers",
  async ({ model: name, prompt, options, tokens }) => {
    const model = await loadModel(folder(name));
    expect(await collect(generate(model, prompt, { stopTokens: [], ...options, temperature: 0 }))).toEqual(tokens);
    dispose(model);
  },
);

test.each(cases.filter(({ beams }) => beams))(
  "$model finds the beams of transformers after $prompt with $options",
  async ({ model: name, prompt, options, beams = [] }) => {
    const model = await loadModel(folder(name));
    const found = await beamSearch(model, prompt, options);
    expect(found.map(({ tokens }) => tokens)).toEqual(beams.map(({ tokens }) => tokens));
    found.forEach(({ score }, i) => expect(score).toBeCloseTo(beams[i].score, 4));
    dispose(model);
  },
);
