// What stands in for `@tensorflow/tfjs` beside the specs: the parts of it that a backend needs, from the specs' own core.
import "@tensorflow/tfjs-core/dist/register_all_gradients.js";
import "@tensorflow/tfjs-core/dist/public/chained_ops/register_all_chained_ops.js";

export * from "@tensorflow/tfjs-backend-cpu";
export * from "@tensorflow/tfjs-core";
