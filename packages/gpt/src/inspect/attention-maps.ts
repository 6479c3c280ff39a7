import { keep, type Tensor, type Tensor4D, tidy } from "@tensorflow/tfjs";
import { type Module, observed } from "@tessera-lm/layers";

/** What the heads of one attention looked at. */
export interface AttentionMap {
  /** Of the module: `blocks.0.attention`. */
  readonly path: string;
  /** (B, H, T, S) */
  readonly shape: readonly [batch: number, heads: number, queries: number, keys: number];
  /** How much each query takes of each key, 1 in all: row-major in the shape. */
  readonly weights: Float32Array;
}

interface Attention extends Module {
  attentionWeights(...inputs: unknown[]): Tensor4D;
}

/**
 * The maps of every attention that takes part in a forward pass, in order: of any model, with any positions and masks.
 * @param run the pass: `() => model.forward(tokens)`
 */
export async function attentionMaps(model: object, run: () => Tensor): Promise<AttentionMap[]> {
  const found: { path: string; weights: Tensor4D }[] = [];
  const look = (): void => {
    observed(
      model,
      ({ path, module }, inputs) => {
        if (isAttention(module)) found.push({ path, weights: keep(module.attentionWeights(...inputs)) });
      },
      () => tidy(run),
    ).dispose();
  };
  try {
    look();
    const read = async ({ path, weights }: (typeof found)[number]): Promise<AttentionMap> => {
      return { path, shape: weights.shape, weights: await weights.data<"float32">() };
    };
    return await Promise.all(found.map(read));
  } finally {
    for (const { weights } of found) weights.dispose();
  }
}

function isAttention(module: Module): module is Attention {
  return "attentionWeights" in module && typeof module.attentionWeights === "function";
}
