import { asObject, type JsonObject } from "../formats/json.ts";
import { makePart } from "../parts.ts";
import { CharacterPairs } from "./character-pair.ts";
import { type Model, remembering } from "./model.ts";
import { Unigram } from "./unigram.ts";
import { WordPiece } from "./word-piece.ts";

/** The models of a `tokenizer.json`, but for byte-level BPE. */
const models: Readonly<Record<string, (model: JsonObject, place: string) => Model>> = {
  BPE: (model, place) => new CharacterPairs(model, place),
  Unigram: (model, place) => remembering(new Unigram(model, place)),
  WordPiece: (model, place) => remembering(new WordPiece(model, place)),
};

export function makeModel(part: unknown, place: string): Model {
  const object = asObject(part, place);
  return makePart(models, { ...object, type: modelType(object) }, place) as Model;
}

/** Old files leave the type out. */
export function modelType(model: JsonObject): unknown {
  if (model.type != null) return model.type;
  if (model.merges !== undefined) return "BPE";
  return Array.isArray(model.vocab) ? "Unigram" : "WordPiece";
}
