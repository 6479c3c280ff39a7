import { asObject, type JsonObject } from "../formats/json.ts";
import { makePart } from "../parts.ts";
import type { TokenId } from "../tokenizer.ts";
import { CharacterPairs } from "./character-pair.ts";
import { type Model, remembering } from "./model.ts";
import { Unigram } from "./unigram.ts";
import { WordPiece } from "./word-piece.ts";

/**
 * A model of a `tokenizer.json`, but for byte-level BPE.
 *
 * @param special tokens that the model must not make of text, though its vocabulary may have them
 */
export function makeModel(part: unknown, place: string, special: ReadonlyMap<string, TokenId>): Model {
  const models: Readonly<Record<string, (model: JsonObject, place: string) => Model>> = {
    BPE: (model, place) => new CharacterPairs(model, place, special),
    Unigram: (model, place) => remembering(new Unigram(model, place, special)),
    WordPiece: (model, place) => remembering(new WordPiece(model, place, special)),
  };
  const object = asObject(part, place);
  return makePart(models, { ...object, type: modelType(object) }, place) as Model;
}

/** Old files leave the type out. */
export function modelType(model: JsonObject): unknown {
  if (model.type != null) return model.type;
  if (model.merges !== undefined) return "BPE";
  return Array.isArray(model.vocab) ? "Unigram" : "WordPiece";
}
