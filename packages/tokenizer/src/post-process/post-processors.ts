import { MalformedTokenizerError, UnsupportedTokenizerError } from "../errors.ts";
import { asArray, asBoolean, asId, asObject, asString, type JsonObject } from "../formats/json.ts";
import { makePart, makeParts } from "../parts.ts";
import type { TokenId } from "../tokenizer.ts";

/** One place of a template: tokens that are added, or one of the texts. */
export interface TemplatePlace {
  readonly ids: readonly TokenId[];
  readonly text?: 0 | 1;
  readonly typeId: number;
}

/** What comes around a text and around a pair of texts. */
export interface Template {
  readonly single: readonly TemplatePlace[];
  readonly pair: readonly TemplatePlace[];
}

/** What stands in a sequence without special tokens. */
export const ONLY_TEXT: Template = {
  single: [{ ids: [], text: 0, typeId: 0 }],
  pair: [
    { ids: [], text: 0, typeId: 0 },
    { ids: [], text: 1, typeId: 1 },
  ],
};

/** What happens to ids after the model. */
export interface PostProcessor {
  readonly template?: Template;
  /** Offsets leave out the spaces at a token's ends; "first": but for the one before the text. */
  readonly trimsOffsets?: boolean | "first";
}

/** The post-processors of a `tokenizer.json`. */
const postProcessors: Readonly<Record<string, (part: JsonObject, place: string) => PostProcessor>> = {
  TemplateProcessing: (part, place) => {
    const added = asObject(part.special_tokens ?? {}, `${place}.special_tokens`);
    const read = (name: "single" | "pair"): TemplatePlace[] =>
      asArray(part[name], `${place}.${name}`).map((entry, i) => readPlace(entry, added, `${place}.${name}[${i}]`));
    return { template: { single: read("single"), pair: read("pair") } };
  },
  BertProcessing: (part, place) => ({ template: around(part, place, 1) }),
  RobertaProcessing: (part, place) => ({ template: around(part, place, 0), ...trimming(part, place) }),
  ByteLevel: trimming,
  Sequence: (part, place) => {
    const steps = makeParts(makePostProcessor, part.processors, `${place}.processors`);
    if (steps.filter(({ template }) => template).length > 1)
      throw new UnsupportedTokenizerError(`${place} Sequence`, "one of its parts may add tokens.");
    return Object.assign({}, ...steps) as PostProcessor;
  },
};

export function makePostProcessor(part: unknown, place: string): PostProcessor | undefined {
  return makePart(postProcessors, part, place);
}

function trimming(part: JsonObject, place: string): PostProcessor {
  if (!asBoolean(part, "trim_offsets", place, true)) return {};
  return { trimsOffsets: asBoolean(part, "add_prefix_space", place, true) ? "first" : true };
}

/** `cls` before a text and `sep` after it; before a second text of the same type as the first `sep` stands again. */
function around(part: JsonObject, place: string, secondType: 0 | 1): Template {
  const token = (name: "cls" | "sep", typeId: number): TemplatePlace =>
    tokens(typeId, asId(asArray(part[name], `${place}.${name}`)[1], `${place}.${name}`));
  const single = [token("cls", 0), text(0, 0), token("sep", 0)];
  const between = secondType === 0 ? [token("sep", 0)] : [];
  return { single, pair: [...single, ...between, text(1, secondType), token("sep", secondType)] };
}

function tokens(typeId: number, ...ids: TokenId[]): TemplatePlace {
  return { ids, typeId };
}

function text(which: 0 | 1, typeId: number): TemplatePlace {
  return { ids: [], text: which, typeId };
}

function readPlace(entry: unknown, added: JsonObject, place: string): TemplatePlace {
  const { SpecialToken: token, Sequence: sequence } = asObject(entry, place);
  const { id, type_id: type } = asObject(token ?? sequence, place);
  const typeId = asId(type ?? 0, `${place}.type_id`);
  const name = asString(id, `${place}.id`);
  if (token === undefined) return text(name === "B" ? 1 : 0, typeId);
  if (!Object.hasOwn(added, name))
    throw new MalformedTokenizerError(place, `${JSON.stringify(name)} is not among its special_tokens.`);
  const ids = asArray(asObject(added[name], place).ids, `${place}, ids of ${name}`);
  return tokens(typeId, ...ids.map((one) => asId(one, `${place}, ids of ${name}`)));
}
