import { AddedTokens } from "./added-tokens.ts";
import { requireIds, roomForIds } from "./arguments.ts";
import { byteLevelModel, readByteLevel } from "./byte-level.ts";
import type { BytePairTokenizer } from "./byte-pair/bpe.ts";
import { type Decoder, makeDecoder } from "./decode/decoders.ts";
import { UnknownTokenIdError } from "./errors.ts";
import type { GrowingIds } from "./growing-ids.ts";
import type { Model } from "./models/model.ts";
import { makeModel } from "./models/models.ts";
import { makeNormalizer } from "./normalize/normalizers.ts";
import type { Part } from "./parts.ts";
import { makePostProcessor, ONLY_TEXT, type PostProcessor } from "./post-process/post-processors.ts";
import { trimSpaces } from "./post-process/trim-spaces.ts";
import { makeChain, makePreTokenizer, type PreTokenizer } from "./pre-tokenize/pre-tokenizers.ts";
import { withoutSpecialTokens } from "./special-tokens.ts";
import { Stretch } from "./stretch.ts";
import { requireTokens, tokensById } from "./token-ids.ts";
import type { DecodeOptions, EncodeOptions, EncodingWithOffsets, TokenId, Tokenizer } from "./tokenizer.ts";

/** Where a definition has a byte-level BPE that is made already, instead of a model. */
export const byteLevelCore: unique symbol = Symbol("byte-level BPE");

/** What a {@link PipelineTokenizer} is made of: the entries of a Hugging Face `tokenizer.json`, spelled as there. */
export interface PipelineDefinition {
  readonly added_tokens?: readonly object[];
  readonly normalizer?: Part | null;
  readonly pre_tokenizer?: Part | null;
  readonly model: Part;
  readonly post_processor?: Part | null;
  readonly decoder?: Part | null;
  readonly [entry: string]: unknown;
  readonly [byteLevelCore]?: BytePairTokenizer;
}

/** Two texts as one sequence. */
export interface EncodedPair {
  readonly ids: Uint32Array;
  /** For each id the segment that it belongs to, as BERT's segment embeddings count them. */
  readonly typeIds: Uint32Array;
}

/** What an encoding collects: for each id, if wanted, two places in the text, and the segment. */
interface Output {
  readonly ids: GrowingIds;
  readonly spans?: number[];
  readonly types?: number[];
}

/**
 * A tokenizer made of parts. A text is cut at added tokens, normalized, cut into pieces, which the model turns into ids;
 * the post-processor puts special tokens around them. Back, ids become tokens, which the decoder turns into text.
 *
 * A lone surrogate, which no UTF-8 text can hold, becomes U+FFFD.
 *
 * @throws MalformedTokenizerError naming the entry at fault
 * @throws UnsupportedTokenizerError naming the part that this package does not implement
 * @throws PieceTooLongError by `encode`, where millions of characters follow each other without a border
 */
export class PipelineTokenizer implements Tokenizer {
  readonly vocabSize: number;
  readonly specialTokens: ReadonlyMap<string, TokenId>;
  /** What the tokenizer was made from, for saving it. */
  readonly definition: PipelineDefinition;

  private readonly addedTokens: AddedTokens;
  private readonly preTokenize: PreTokenizer | undefined;
  private readonly model: Model;
  private readonly postProcessor: PostProcessor;
  private readonly decodeTokens: Decoder | undefined;
  /** Byte-level BPE decodes faster than by its tokens. */
  private readonly byteLevel: BytePairTokenizer | undefined;
  /** Whether that is all there is to this tokenizer. */
  private readonly isPlain: boolean;
  private readonly tokens: ReadonlyMap<TokenId, string>;

  constructor(definition: PipelineDefinition) {
    const core = definition[byteLevelCore];
    this.definition = definition;
    this.addedTokens = new AddedTokens(definition.added_tokens, makeNormalizer(definition.normalizer, "normalizer"));
    this.specialTokens = this.addedTokens.special;
    const byteLevel = core === undefined ? readByteLevel(definition, this.addedTokens.ids) : { core, steps: [] };
    this.preTokenize =
      byteLevel === undefined
        ? makePreTokenizer(definition.pre_tokenizer, "pre_tokenizer")
        : makeChain(byteLevel.steps, "pre_tokenizer.pretokenizers");
    this.model =
      byteLevel === undefined
        ? makeModel(definition.model, "model", this.specialTokens)
        : byteLevelModel(byteLevel.core);
    this.postProcessor = makePostProcessor(definition.post_processor, "post_processor") ?? {};
    this.decodeTokens = makeDecoder(definition.decoder, "decoder");
    if (definition.decoder?.type === "ByteLevel") this.byteLevel = byteLevel?.core;
    const hasParts =
      definition.normalizer != null || this.preTokenize !== undefined || Object.keys(this.postProcessor).length > 0;
    this.isPlain = !hasParts && this.addedTokens.arePlain;
    this.tokens = new Map([...tokensById(this.model, this.addedTokens.ids), ...this.addedTokens.spellings]);
    requireTokens(this.postProcessor.template, this.tokens);
    this.vocabSize = [...this.tokens.keys()].reduce((size, id) => Math.max(size, id + 1), 0);
  }

  /** The same tokenizer as a simpler one, where byte-level BPE is all there is to it. */
  simplest(): BytePairTokenizer | PipelineTokenizer {
    return this.isPlain && this.byteLevel !== undefined ? this.byteLevel : this;
  }

  encode(text: string, options: EncodeOptions = {}): Uint32Array {
    return this.encodeTexts([text], options, {});
  }

  /** Like `encode`; tokens that are added around the text have the place 0, 0. */
  encodeWithOffsets(text: string, options: EncodeOptions = {}): EncodingWithOffsets {
    const spans: number[] = [];
    const ids = this.encodeTexts([text], options, { spans });
    const offsets = Uint32Array.from(spans);
    const { trimsOffsets } = this.postProcessor;
    const spelling = (index: number): string => {
      const id = ids[index] as TokenId;
      // An added token is as the text has it, with the spaces that it took along.
      if (this.addedTokens.spellings.has(id)) return text.slice(offsets[2 * index], offsets[2 * index + 1]);
      return this.tokens.get(id) as string;
    };
    if (trimsOffsets) trimSpaces(text, offsets, spelling, trimsOffsets);
    return { ids, offsets };
  }

  /** Two texts as one sequence, such as a question and a passage: `[CLS] … [SEP] … [SEP]` with `addSpecialTokens`. */
  encodePair(first: string, second: string, options: EncodeOptions = {}): EncodedPair {
    const types: number[] = [];
    const ids = this.encodeTexts([first, second], options, { types });
    return { ids, typeIds: Uint32Array.from(types) };
  }

  decode(ids: Iterable<TokenId>, options: DecodeOptions = {}): string {
    requireIds(ids);
    if (this.byteLevel !== undefined) {
      return this.byteLevel.decode(options.skipSpecialTokens ? withoutSpecialTokens(ids, this.specialTokens) : ids);
    }
    const tokens = this.spell(options.skipSpecialTokens ? withoutSpecialTokens(ids, this.specialTokens) : ids);
    return this.decodeTokens === undefined ? tokens.join(" ") : this.decodeTokens(tokens).join("");
  }

  token(id: TokenId): string | undefined {
    return this.tokens.get(id);
  }

  tokenId(token: string): TokenId | undefined {
    return this.addedTokens.ids.get(token) ?? this.model.vocabulary.get(token);
  }

  /** Texts, and what the post-processor puts around them. */
  private encodeTexts(texts: readonly string[], options: EncodeOptions, wanted: Omit<Output, "ids">): Uint32Array {
    const output = { ids: roomForIds(...texts), ...wanted };
    const { ids, types } = output;
    const template = (options.addSpecialTokens && this.postProcessor.template) || ONLY_TEXT;
    for (const place of texts.length === 1 ? template.single : template.pair) {
      for (const id of place.ids) push(output, id, [0, 0]);
      if (place.text !== undefined) this.encodeText(texts[place.text] as string, options, output);
      while (types !== undefined && types.length < ids.length) types.push(place.typeId);
    }
    return ids.finish();
  }

  /** The road from text to ids. */
  private encodeText(text: string, options: EncodeOptions, output: Output): void {
    const known = text.replace(/\p{Surrogate}/gu, "\ufffd"); // in Unicode mode, lone ones
    const whole = output.spans === undefined ? new Stretch(known, true) : Stretch.withOffsets(known);
    const { preTokenize } = this;
    this.addedTokens.cut(
      whole,
      options,
      (id, found) => push(output, id, found.original(0, found.text.length)),
      (stretch) => {
        if (preTokenize === undefined) this.encodePiece(stretch, output);
        else preTokenize(stretch, (piece) => this.encodePiece(piece, output));
      },
    );
  }

  private encodePiece(piece: Stretch, { ids, spans }: Output): void {
    if (spans === undefined) return this.model.encodeInto(piece.text, ids);
    const local: number[] = [];
    this.model.encodeInto(piece.text, ids, local);
    for (let i = 0; i < local.length; i += 2) {
      spans.push(...(piece.original(local[i] as number, local[i + 1] as number) as readonly [number, number]));
    }
  }

  private spell(ids: Iterable<TokenId>): string[] {
    const tokens: string[] = [];
    let position = 0;
    for (const id of ids) {
      const token = this.tokens.get(id);
      if (token === undefined) throw new UnknownTokenIdError(id, position, this.vocabSize);
      tokens.push(token);
      position++;
    }
    return tokens;
  }
}

function push({ ids, spans }: Output, id: TokenId, span: readonly [number, number] | undefined): void {
  ids.push(id);
  spans?.push(...(span ?? [0, 0]));
}
