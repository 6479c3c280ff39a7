import { MOST_IDS } from "./byte-pair/token-bytes.ts";
import { MalformedTokenizerError } from "./errors.ts";
import type { Model } from "./models/model.ts";
import type { Template } from "./post-process/post-processors.ts";
import type { TokenId } from "./tokenizer.ts";

/** All tokens of a model, and those added to it. @throws MalformedTokenizerError if ids do not fit together */
export function tokensById(model: Model, added: ReadonlyMap<string, TokenId>): Map<TokenId, string> {
  const tokens = new Map<TokenId, string>();
  const add = (token: string, id: TokenId): void => {
    const other = tokens.get(id);
    if (id >= MOST_IDS) throw malformed(token, `id ${id} is not below ${MOST_IDS}.`);
    if (other !== undefined && other !== token)
      throw malformed(token, `id ${id} belongs to ${JSON.stringify(other)} too.`);
    tokens.set(id, token);
  };
  if (model.tokens === undefined) for (const [token, id] of model.vocabulary) add(token, id);
  else for (const [id, token] of model.tokens.entries()) add(token, id);
  for (const [token, id] of added) {
    if (tokens.get(id) !== token) requireSameId(token, id, model.vocabulary);
    add(token, id);
  }
  return tokens;
}

/** @throws MalformedTokenizerError if an added token has another id in `vocabulary` */
export function requireSameId(token: string, id: TokenId, vocabulary: ReadonlyMap<string, TokenId>): void {
  const known = vocabulary.get(token) ?? id;
  if (known !== id) throw malformed(token, `it has two ids, ${known} and ${id}.`);
}

/** @throws MalformedTokenizerError if a template adds an id that no token has */
export function requireTokens(template: Template | undefined, tokens: ReadonlyMap<TokenId, string>): void {
  for (const { ids } of [...(template?.single ?? []), ...(template?.pair ?? [])]) {
    const unknown = ids.find((id) => !tokens.has(id));
    if (unknown !== undefined)
      throw new MalformedTokenizerError("post_processor", `it adds the id ${unknown}, which no token has.`);
  }
}

function malformed(token: string, problem: string): MalformedTokenizerError {
  return new MalformedTokenizerError(`token ${JSON.stringify(token)}`, problem);
}
