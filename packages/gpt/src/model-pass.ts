import { slice, type Tensor, type Tensor2D, type Tensor3D, tidy } from "@tensorflow/tfjs";
import { VocabularyError } from "@tessera-lm/layers";
import { TokenIdError } from "@tessera-lm/ops";

/** A tidy in which an id that an operation refuses is one that the model does not know. @throws {VocabularyError} */
export function modelPass<T extends Tensor>(vocabSize: number, compute: () => T): T {
  try {
    return tidy(compute);
  } catch (error) {
    if (!(error instanceof TokenIdError)) throw error;
    throw new VocabularyError(error.id, vocabSize, { cause: error });
  }
}

/** (B, T, C) → (B·T, C) */
export function rows(x: Tensor): Tensor2D {
  return x.reshape([-1, x.shape[x.rank - 1] as number]);
}

/** (B, T, C) → (B, 1, C) */
export function lastPosition(x: Tensor): Tensor3D {
  const features = x as Tensor3D;
  const [batch, time, width] = features.shape;
  return slice(features, [0, time - 1, 0], [batch, 1, width]);
}
