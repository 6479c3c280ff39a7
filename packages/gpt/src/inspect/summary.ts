import { Tensor, Variable } from "@tensorflow/tfjs";
import { type ModuleSite, modules } from "@tessera-lm/layers";
import type { StoredMatrix } from "@tessera-lm/ops";
import { ArgumentError } from "../errors.ts";
import { grouped, inBytes, textTable } from "../text-table.ts";

/** One module of a model: what it holds itself, and with all of its parts. */
export interface ModuleSummary {
  /** Property path; the empty one is the model itself. */
  readonly path: string;
  /** Its class: `Linear`. */
  readonly type: string;
  /** Of the parameters that it holds itself, by property; a tensor without a name of its own counts as a parameter. */
  readonly shapes: Readonly<Record<string, readonly number[]>>;
  /** How its own matrices are stored: F32 while it can learn. */
  readonly format?: string;
  /** How many numbers it holds itself. What two modules share counts at the first. */
  readonly ownParameters: number;
  /** With all of its parts. */
  readonly parameters: number;
  /** Those of them that can learn. */
  readonly trainable: number;
  /** Memory of all of them. */
  readonly bytes: number;
}

/** A model as a table: one row for each module, the whole first, each before its parts. */
export interface Summary {
  readonly rows: readonly ModuleSummary[];
  readonly parameters: number;
  readonly trainable: number;
  readonly bytes: number;
  /** The table as text, where the repeated blocks of a model are one row, and a parameter that is one row of its module. */
  toString(): string;
}

/**
 * Modules, shapes, parameters and memory of a model, or of any tree of modules. Matrices in fewer bits count with the
 * memory that they take.
 * @throws {ArgumentError} for what is no object
 */
export function summary(model: object): Summary {
  if (typeof model !== "object" || model === null) throw new ArgumentError("summary", "the model", model, "a model");
  const seen = new Set<object>();
  const held = [{ path: "", module: model }, ...distinct(modules(model))].map(({ path, module }) => ({
    path,
    type: module.constructor.name,
    own: ownWeights(module, seen),
  }));
  const rows = held.map(({ path, type, own }): ModuleSummary => {
    const all = held.filter((each) => path === "" || each.path === path || each.path.startsWith(`${path}.`));
    const total = (of: (weight: Weight) => number): number => sum(all.flatMap((each) => each.own).map(of));
    return {
      path,
      type,
      shapes: Object.fromEntries(own.map(({ name, shape }) => [name, shape])),
      ...(own[0] && { format: own[0].format }),
      ownParameters: sum(own.map(({ size }) => size)),
      parameters: total(({ size }) => size),
      trainable: total(({ trainable, size }) => (trainable ? size : 0)),
      bytes: total(({ bytes }) => bytes),
    };
  });
  const { parameters, trainable, bytes } = rows[0] as ModuleSummary;
  return { rows, parameters, trainable, bytes, toString: () => summaryText(rows) };
}

/** Each module once, under its first path. */
function* distinct(sites: Iterable<ModuleSite>): Generator<ModuleSite> {
  const seen = new Set<object>();
  for (const site of sites) {
    if (seen.has(site.module)) continue;
    seen.add(site.module);
    yield site;
  }
}

interface Weight {
  readonly name: string;
  readonly shape: readonly number[];
  readonly size: number;
  readonly bytes: number;
  readonly format: string;
  readonly trainable: boolean;
}

/** What a module holds itself, also in objects and lists that are no modules. */
function ownWeights(module: object, seen: Set<object>, prefix = ""): Weight[] {
  return Object.entries(module).flatMap(([key, value]: [string, unknown]) => {
    if (typeof value !== "object" || value === null || seen.has(value) || ArrayBuffer.isView(value)) return [];
    if (value !== module && "forward" in value) return [];
    seen.add(value);
    const name = `${prefix}${key}`;
    if (value instanceof Tensor) return [tensorWeight(name, value)];
    return isStored(value) ? [storedWeight(name, value)] : ownWeights(value, seen, `${name}.`);
  });
}

function tensorWeight(name: string, tensor: Tensor): Weight {
  const { shape, size } = tensor;
  return {
    name,
    shape,
    size,
    bytes: 4 * size,
    format: "F32",
    trainable: tensor instanceof Variable && tensor.trainable,
  };
}

function storedWeight(name: string, { shape, words, format }: StoredMatrix): Weight {
  return { name, shape, size: shape[0] * shape[1], bytes: 4 * words.size, format, trainable: false };
}

function isStored(value: object): value is StoredMatrix {
  return "words" in value && value.words instanceof Tensor && "unpack" in value;
}

const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);

function summaryText(rows: readonly ModuleSummary[]): string {
  const lines = withoutRepeats(rows).map(({ row, label }) => [
    label,
    row.type,
    Object.entries(row.shapes)
      .map(([name, shape]) => `${name} ${shape.join("×")}`)
      .join(", "),
    row.format ?? "",
    grouped(row.parameters),
    inBytes(row.bytes),
  ]);
  const { parameters, trainable, bytes } = rows[0] as ModuleSummary;
  const total = `${grouped(parameters)} parameters, ${grouped(trainable)} of them trainable, ${inBytes(bytes)}`;
  return `${textTable(["module", "type", "shapes", "format", "parameters", "memory"], lines)}\n\n${total}`;
}

/** The rows without those of the neighbours in a list that look the same; the first then stands for all: `blocks.0–11`. */
function withoutRepeats(rows: readonly ModuleSummary[]): { row: ModuleSummary; label: string }[] {
  const shown: { row: ModuleSummary; label: string }[] = [];
  const show = (row: ModuleSummary, range = ""): void => void shown.push({ row, label: labelOf(row, rows, range) });
  for (let at = 0; at < rows.length; ) {
    const row = rows[at] as ModuleSummary;
    const [, list, first] = /^(.*\.|)(\d+)$/.exec(row.path) ?? [];
    const part = partsOf(rows, at);
    let last = Number(first);
    let next = at + part.length;
    while (first !== undefined && rows[next]?.path === `${list}${last + 1}` && looksLike(part, partsOf(rows, next))) {
      next += part.length;
      last++;
    }
    const isList = last > Number(first);
    show(row, isList ? `${first}–${last}` : "");
    if (isList) for (const each of part.slice(1)) show(each);
    at = isList ? next : at + 1;
  }
  return shown;
}

/** A module and all below it. */
function partsOf(rows: readonly ModuleSummary[], at: number): ModuleSummary[] {
  const { path } = rows[at] as ModuleSummary;
  const below = rows.slice(at + 1).findIndex((row) => path !== "" && !row.path.startsWith(`${path}.`));
  return rows.slice(at, below < 0 ? rows.length : at + 1 + below);
}

function looksLike(some: readonly ModuleSummary[], others: readonly ModuleSummary[]): boolean {
  const look = (rows: readonly ModuleSummary[]): string =>
    JSON.stringify(rows.map(({ path, ...row }) => [path.slice(rows[0]?.path.length), row]));
  return look(some) === look(others);
}

/** What its path adds to the module that it is a part of, indented as deep as it lies; of a list which of it. */
function labelOf({ path, type }: ModuleSummary, rows: readonly ModuleSummary[], range: string): string {
  if (path === "") return type;
  const wholes = rows.map((row) => row.path).filter((whole) => whole !== "" && path.startsWith(`${whole}.`));
  const name = wholes.reduce(
    (rest, whole) => (path.length - whole.length <= rest.length ? path.slice(whole.length + 1) : rest),
    path,
  );
  return `${"  ".repeat(wholes.length + 1)}${range === "" ? name : name.replace(/\d+$/, range)}`;
}
