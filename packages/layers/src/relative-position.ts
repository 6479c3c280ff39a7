import {
  expandDims,
  type Rank,
  type Tensor2D,
  type Tensor4D,
  tensor1d,
  tensor2d,
  tidy,
  transpose,
} from "@tensorflow/tfjs";
import { embedding } from "@tessera-lm/ops";
import type { Initializer } from "./initialize.ts";
import type { Parameter } from "./parameter.ts";

/**
 * T5's relative positions (Raffel et al. 2020): a learned number for each head and bucket of distances, added to the
 * scores. Half of the buckets are single distances, the others grow by a constant factor up to `maxDistance`.
 */
export class RelativePosition {
  readonly weight: Parameter<Rank.R2>; // (buckets, H)
  /** Whether keys ahead of the query have buckets of their own; otherwise they count as distance 0. */
  readonly bidirectional: boolean;
  /** From here on all distances share the last bucket. */
  readonly maxDistance: number;

  constructor(weight: Parameter<Rank.R2>, bidirectional: boolean, maxDistance: number) {
    this.weight = weight;
    this.bidirectional = bidirectional;
    this.maxDistance = maxDistance;
  }

  /** (1, H, T, S) for T queries, the last of which stands at the last of S keys. */
  bias(numQueries: number, numKeys: number): Tensor4D {
    return tidy(() => {
      const buckets = tensor2d(this.#buckets(numQueries, numKeys), [numQueries, numKeys], "int32");
      return expandDims(transpose(embedding(buckets, this.weight), [2, 0, 1]), 0) as Tensor4D;
    });
  }

  /** (count, H): row d is that of keys d places before the query. */
  byDistance(count: number): Tensor2D {
    return tidy(() => {
      const buckets = Array.from({ length: count }, (_, distance) => this.bucket(-distance));
      return embedding(tensor1d(buckets, "int32"), this.weight) as Tensor2D;
    });
  }

  /** The bucket of every query and key, row by row. */
  #buckets(numQueries: number, numKeys: number): Int32Array {
    const ofDistance = Int32Array.from({ length: numQueries + numKeys - 1 }, (_, i) => this.bucket(i - numKeys + 1));
    const buckets = new Int32Array(numQueries * numKeys);
    for (let t = 0; t < numQueries; t++) {
      const first = numQueries - 1 - t; // the distance of key 0
      buckets.set(ofDistance.subarray(first, first + numKeys), t * numKeys);
    }
    return buckets;
  }

  /** The bucket of a key that stands `distance` places after the query. */
  bucket(distance: number): number {
    const count = Math.floor(this.weight.shape[0] / (this.bidirectional ? 2 : 1));
    const offset = this.bidirectional && distance > 0 ? count : 0;
    const away = this.bidirectional ? Math.abs(distance) : Math.max(-distance, 0);
    const numSingle = Math.floor(count / 2);
    if (away < numSingle) return offset + away;
    // Rounded to float32 as in transformers, which decides where a bucket ends.
    const growth = fround(fround(Math.log(fround(away / numSingle))) / fround(Math.log(this.maxDistance / numSingle)));
    return offset + Math.min(numSingle + Math.trunc(fround(growth * (count - numSingle))), count - 1);
  }
}

const { fround } = Math;

export interface RelativePositionOptions {
  readonly numHeads: number;
  /** Default 32, as in T5. */
  readonly numBuckets?: number;
  /** Default 128, as in T5. */
  readonly maxDistance?: number;
  readonly bidirectional: boolean;
}

export function createRelativePosition(options: RelativePositionOptions, initialize: Initializer): RelativePosition {
  const { numHeads, numBuckets = 32, maxDistance = 128, bidirectional } = options;
  return new RelativePosition(initialize<Rank.R2>([numBuckets, numHeads], 0.02), bidirectional, maxDistance);
}
