/** The position after the closing quote of the string that opens at `start`, or after the text where none closes it. */
export function stringEnd(json: string, start: number): number {
  let i = start + 1;
  while (i < json.length && json[i] !== '"') i += json[i] === "\\" ? 2 : 1;
  return i + 1;
}
