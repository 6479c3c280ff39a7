import { type Scalar, type Tensor2D, type Tensor3D, tidy } from "@tensorflow/tfjs";
import type { ForwardOptions, LanguageModel } from "@tessera-lm/layers";
import { GenerationError } from "../errors.ts";
import { rows } from "../model-pass.ts";
import { tokenLosses } from "../token-losses.ts";
import type { EncoderDecoder } from "./encoder-decoder.ts";

/** An encoder-decoder that has read its inputs, as a model that continues what it has written. */
export class Writer implements LanguageModel {
  readonly model: EncoderDecoder;
  /** What the encoder made of the inputs. */
  readonly memory: Tensor3D; // (1, S, C)
  readonly mask?: Tensor2D; // (1, S)

  constructor(model: EncoderDecoder, memory: Tensor3D, mask?: Tensor2D) {
    this.model = model;
    this.memory = memory;
    this.mask = mask?.clone(); // steps that are recorded read it for as long as there is a writer
  }

  get vocabSize(): number {
    return this.model.vocabSize;
  }

  /** The model's `config.endOfText` */
  get stopTokens(): readonly number[] {
    return [this.model.config.endOfText ?? []].flat();
  }

  /** Without end: positions are relative, so that what is written may be longer than in training. */
  get contextLength(): number {
    return Infinity;
  }

  get supportsCache(): boolean {
    return true;
  }

  /** tokens (B, T) → logits (B, T, V); with `lastOnly` (B, 1, V). @throws {GenerationError} after `dispose` */
  forward(tokens: Tensor2D, options?: ForwardOptions): Tensor3D {
    if (this.memory.isDisposed) {
      throw new GenerationError("generate: the writer has been disposed of; let the model read the inputs again.");
    }
    return this.model.decode(this.memory, tokens, { ...options, mask: this.mask });
  }

  /** −log p(target) at every position, (B, T). */
  tokenLosses(tokens: Tensor2D, targets: Tensor2D, options?: ForwardOptions): Tensor2D {
    return tidy(() => {
      const logits = rows(this.forward(tokens, options)); // (B·T, V)
      return tokenLosses({ logits: (x) => x }, logits, targets.flatten()).reshape(targets.shape);
    });
  }

  /** Σ tokenLosses. */
  loss(tokens: Tensor2D, targets: Tensor2D, options?: ForwardOptions): Scalar {
    return tidy(() => this.tokenLosses(tokens, targets, options).sum());
  }

  /** Frees what the model has read. */
  dispose(): void {
    this.memory.dispose();
    this.mask?.dispose();
  }
}
