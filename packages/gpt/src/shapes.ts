/** Parameters by path, each with its shape. */
export type Shapes = readonly (readonly [path: string, shape: readonly number[]])[];

export const normShapes = (path: string, width: number, shift: boolean): Shapes => [
  [`${path}.scale`, [width]],
  ...(shift ? [[`${path}.shift`, [width]] as const] : []),
];

export const linearShapes = (path: string, inputs: number, outputs: number, bias: boolean): Shapes => [
  [`${path}.weight`, [inputs, outputs]],
  ...(bias ? [[`${path}.bias`, [outputs]] as const] : []),
];

/** How many numbers there are in all. */
export function countNumbers(shapes: Iterable<readonly number[]>): number {
  let count = 0;
  for (const shape of shapes) count += shape.reduce((product, length) => product * length, 1);
  return count;
}
