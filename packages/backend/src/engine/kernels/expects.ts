import type { TensorInfo } from "@tensorflow/tfjs";
import { KernelInputError } from "../../errors.ts";
import type { KernelCall } from "./kernel.ts";

/**
 * Makes the check of a kernel's inputs from what they must be: a type and a shape, such as
 * `{ x: "float32 (…, I)", weight: "float32 (I, O)", "bias?": "float32 (O)" }`.
 *
 * A letter is any size, the same everywhere; "…" stands for any leading axes, as many elements everywhere, which are
 * also called N. A name that ends in "?" may be absent.
 */
export function expects(inputs: Readonly<Record<string, string>>): (kernel: string, call: KernelCall) => void {
  const patterns = Object.entries(inputs).map(([name, text]) => parse(name, text));
  return (kernel, call) => {
    const sizes = new Map<string, number>();
    for (const pattern of patterns) {
      const tensor = call.inputs[pattern.name];
      if (tensor === undefined && pattern.optional) continue;
      if (tensor && fits(pattern, tensor, sizes)) continue;
      throw new KernelInputError(kernel, pattern.name, pattern.text, tensor, sizes);
    }
  };
}

interface Pattern {
  readonly name: string;
  readonly optional: boolean;
  readonly text: string;
  readonly dtype: string;
  readonly leading: boolean;
  readonly axes: readonly string[];
}

function parse(key: string, text: string): Pattern {
  const [, dtype, list] = /^(\w+) \((.*)\)$/.exec(text) as unknown as [string, string, string];
  const axes = list === "" ? [] : list.split(", ");
  const leading = axes[0] === "…";
  const optional = key.endsWith("?");
  return {
    name: optional ? key.slice(0, -1) : key,
    optional,
    text,
    dtype,
    leading,
    axes: leading ? axes.slice(1) : axes,
  };
}

function fits({ dtype, leading, axes }: Pattern, tensor: TensorInfo, sizes: Map<string, number>): boolean {
  const { shape } = tensor;
  const rest = shape.length - axes.length;
  if (tensor.dtype !== dtype || rest < 0 || (rest > 0 && !leading)) return false;
  let elements = 1;
  for (let axis = 0; axis < rest; axis++) elements *= shape[axis] as number;
  if (leading && !agrees("N", elements, sizes)) return false;
  return axes.every((name, i) => agrees(name, shape[rest + i] as number, sizes));
}

/** Whether a size is the one that its name has had before; the first time it gets it. */
function agrees(name: string, size: number, sizes: Map<string, number>): boolean {
  const known = sizes.get(name) ?? (/^\d/.test(name) ? Number(name) : undefined);
  if (known === undefined) sizes.set(name, size);
  return known === undefined || known === size;
}
