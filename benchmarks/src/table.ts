/** Lines of cells, the first of which is the head, as columns that are as wide as their widest cell. */
export function columns(lines: readonly (readonly string[])[]): string[] {
  const [head = []] = lines;
  const widths = head.map((_, i) => Math.max(...lines.map((line) => (line[i] as string).length)));
  const padded = (line: readonly string[]): string =>
    line.map((cell, i) => cell.padEnd(widths[i] as number)).join("  ");
  return lines.map((line) => padded(line).trimEnd());
}
