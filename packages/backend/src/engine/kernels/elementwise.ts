import {
  backend_util,
  type CastAttrs,
  type ClipByValueAttrs,
  type DataType,
  type FillAttrs,
  type LeakyReluAttrs,
  type StepAttrs,
  type TensorInfo,
  util,
} from "@tensorflow/tfjs";
import type { EngineBackend } from "../backend.ts";
import { type EngineDataType, isEngineType } from "../memory.ts";
import { allTypes, boolTypes, commandFor, floatTypes, haveType, moveCommandFor, numberTypes } from "./dtypes.ts";
import type { EngineKernel, KernelCall } from "./kernel.ts";

/** Kernels of one tensor: the command, the types that it takes, the result's type if it is another. */
type Unary = readonly [command: string, types: readonly DataType[], result?: EngineDataType];

const unary: Readonly<Record<string, Unary>> = {
  Abs: ["abs", numberTypes],
  Acos: ["acos", floatTypes],
  Acosh: ["acosh", floatTypes],
  Asin: ["asin", floatTypes],
  Asinh: ["asinh", floatTypes],
  Atan: ["atan", floatTypes],
  Atanh: ["atanh", floatTypes],
  Ceil: ["ceil", floatTypes],
  Cos: ["cos", floatTypes],
  Cosh: ["cosh", floatTypes],
  Elu: ["elu", floatTypes],
  Erf: ["erf", floatTypes],
  Exp: ["exp", floatTypes],
  Expm1: ["expm1", floatTypes],
  Floor: ["floor", floatTypes],
  IsFinite: ["is_finite", floatTypes, "bool"],
  IsInf: ["is_inf", floatTypes, "bool"],
  IsNan: ["is_nan", floatTypes, "bool"],
  Log: ["log", floatTypes],
  Log1p: ["log1p", floatTypes],
  LogicalNot: ["not", boolTypes],
  Neg: ["neg", numberTypes],
  Reciprocal: ["reciprocal", floatTypes],
  Relu: ["relu", numberTypes],
  Relu6: ["relu6", numberTypes],
  Round: ["round", floatTypes],
  Rsqrt: ["rsqrt", floatTypes],
  Selu: ["selu", floatTypes],
  Sigmoid: ["sigmoid", floatTypes],
  Sign: ["sign", numberTypes],
  Sin: ["sin", floatTypes],
  Sinh: ["sinh", floatTypes],
  Softplus: ["softplus", floatTypes],
  Sqrt: ["sqrt", floatTypes],
  Square: ["square", numberTypes],
  Tan: ["tan", floatTypes],
  Tanh: ["tanh", floatTypes],
};

/** Kernels of two tensors that are broadcast; their inputs are called a and b unless it says otherwise. */
type Binary = readonly [...Unary, names?: readonly [string, string]];

const binary: Readonly<Record<string, Binary>> = {
  Add: ["add", numberTypes],
  Atan2: ["atan2", floatTypes],
  EluGrad: ["elu_gradient", floatTypes, "float32", ["dy", "y"]],
  Equal: ["equal", allTypes, "bool"],
  FloorDiv: ["floor_divide", numberTypes, "int32"],
  Greater: ["greater", numberTypes, "bool"],
  GreaterEqual: ["greater_equal", numberTypes, "bool"],
  Less: ["less", numberTypes, "bool"],
  LessEqual: ["less_equal", numberTypes, "bool"],
  LogicalAnd: ["and", boolTypes],
  LogicalOr: ["or", boolTypes],
  Maximum: ["maximum", numberTypes],
  Minimum: ["minimum", numberTypes],
  Mod: ["modulo", numberTypes],
  Multiply: ["multiply", numberTypes],
  NotEqual: ["not_equal", allTypes, "bool"],
  Pow: ["power", numberTypes],
  Prelu: ["prelu", floatTypes, "float32", ["x", "alpha"]],
  RealDiv: ["divide", floatTypes],
  SquaredDifference: ["squared_difference", numberTypes],
  Sub: ["sub", numberTypes],
};

/** Kernels of one tensor with numbers: the command, its types, and the numbers that stand before the tensor. */
type WithNumbers = readonly [
  command: string,
  types: readonly DataType[],
  numbers: (attributes: object) => readonly number[],
];

const withNumbers: Readonly<Record<string, WithNumbers>> = {
  ClipByValue: ["clip", numberTypes, (attributes) => clipRange(attributes as ClipByValueAttrs)],
  LeakyRelu: ["leaky_relu", floatTypes, (attributes) => [(attributes as LeakyReluAttrs).alpha]],
  Step: ["step", floatTypes, (attributes) => [(attributes as StepAttrs).alpha]],
};

/** What goes through tensors element by element, without Softmax and the activations of `@tessera-lm/ops`. */
export const elementwiseKernels: readonly EngineKernel[] = [
  ...Object.entries(unary).map(([name, entry]) => unaryKernel(name, entry)),
  ...Object.entries(binary).map(([name, entry]) => binaryKernel(name, entry)),
  ...Object.entries(withNumbers).map(([name, entry]) => kernelWithNumbers(name, entry)),
  {
    name: "Cast",
    accepts: ({ x }, { dtype }) => isEngineType((x as TensorInfo).dtype) && isEngineType(dtype as DataType),
    run: cast,
  },
  {
    name: "Select",
    accepts: ({ condition, t, e }) => acceptsSelect(condition as TensorInfo, t as TensorInfo, e as TensorInfo),
    run: select,
  },
  {
    name: "Fill",
    accepts: (_, attributes) => typeof attributes.value !== "string" && isEngineType(fillType(attributes)),
    run: ({ attributes, backend }) => {
      const { shape, value } = attributes as unknown as FillAttrs;
      return filled(backend, shape, fillType(attributes) as EngineDataType, value as number);
    },
  },
  likeKernel("ZerosLike", 0),
  likeKernel("OnesLike", 1),
];

function unaryKernel(name: string, [command, types, result]: Unary): EngineKernel {
  return {
    name,
    accepts: ({ x }) => types.includes((x as TensorInfo).dtype),
    run: ({ inputs, backend }) => {
      const x = inputs.x as TensorInfo;
      const y = backend.output(x.shape, result ?? (x.dtype as EngineDataType));
      backend.run(commandFor(command, x.dtype), x, y);
      return y;
    },
  };
}

function binaryKernel(name: string, [command, types, result, names = ["a", "b"]]: Binary): EngineKernel {
  const operands = (inputs: KernelCall["inputs"]) => names.map((name) => inputs[name]) as [TensorInfo, TensorInfo];
  return {
    name,
    accepts: (inputs) => haveType(operands(inputs), types),
    run: ({ inputs, backend }) => {
      const [a, b] = operands(inputs);
      const shape = backend_util.assertAndGetBroadcastShape(a.shape, b.shape);
      const y = backend.output(shape, result ?? (a.dtype as EngineDataType));
      backend.run(commandFor(command, a.dtype), a.shape, b.shape, a, b, y);
      return y;
    },
  };
}

function kernelWithNumbers(name: string, [command, types, numbers]: WithNumbers): EngineKernel {
  return {
    name,
    accepts: ({ x }) => types.includes((x as TensorInfo).dtype),
    run: ({ inputs, attributes, backend }) => {
      const x = inputs.x as TensorInfo;
      const y = backend.output(x.shape, x.dtype as EngineDataType);
      backend.run(commandFor(command, x.dtype), ...numbers(attributes), x, y);
      return y;
    },
  };
}

function clipRange({ clipValueMin, clipValueMax }: ClipByValueAttrs): readonly number[] {
  return [clipValueMin, clipValueMax];
}

function cast({ inputs, attributes, backend }: KernelCall): TensorInfo {
  const x = inputs.x as TensorInfo;
  return converted(backend, x, (attributes as unknown as CastAttrs).dtype as EngineDataType);
}

const conversions: Readonly<Record<EngineDataType, string>> = {
  float32: "to_float",
  int32: "to_int",
  bool: "to_bool",
};

/** The tensor in another type; the same memory if it has this type. */
export function converted(backend: EngineBackend, x: TensorInfo, dtype: EngineDataType): TensorInfo {
  if (x.dtype === dtype) {
    backend.incRef(x.dataId);
    return { ...x };
  }
  const y = backend.output(x.shape, dtype);
  backend.run(commandFor(conversions[dtype], x.dtype), x, y);
  return y;
}

function acceptsSelect(condition: TensorInfo, t: TensorInfo, e: TensorInfo): boolean {
  const alike = util.arraysEqual(condition.shape, t.shape) && util.arraysEqual(t.shape, e.shape);
  return alike && condition.dtype === "bool" && haveType([t, e], allTypes);
}

function select({ inputs, backend }: KernelCall): TensorInfo {
  const t = inputs.t as TensorInfo;
  const y = backend.output(t.shape, t.dtype as EngineDataType);
  backend.run(moveCommandFor("select", t.dtype), inputs.condition, t, inputs.e, y);
  return y;
}

function likeKernel(name: string, value: number): EngineKernel {
  return {
    name,
    accepts: ({ x }) => isEngineType((x as TensorInfo).dtype),
    run: ({ inputs, backend }) => {
      const x = inputs.x as TensorInfo;
      return filled(backend, x.shape, x.dtype as EngineDataType, value);
    },
  };
}

function fillType(attributes: KernelCall["attributes"]): DataType {
  const { dtype, value } = attributes as unknown as Partial<FillAttrs> & FillAttrs;
  return dtype ?? util.inferDtype(value as number);
}

/** A tensor of one number. */
export function filled(
  backend: EngineBackend,
  shape: readonly number[],
  dtype: EngineDataType,
  value: number,
): TensorInfo {
  const y = backend.output(shape, dtype);
  backend.run(commandFor("fill", dtype), value, y);
  return y;
}
