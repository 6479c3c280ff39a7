/** Rows of cells as text, in columns as wide as they need to be; all but the first are right-aligned. */
export function textTable(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = head.map((cell, column) => Math.max(cell.length, ...rows.map((row) => row[column]?.length ?? 0)));
  const line = (row: readonly string[]): string =>
    row
      .map((cell, column) => (column === 0 ? cell.padEnd(widths[column] ?? 0) : cell.padStart(widths[column] ?? 0)))
      .join("  ")
      .trimEnd();
  return [line(head), widths.map((width) => "─".repeat(width)).join("  "), ...rows.map(line)].join("\n");
}

/** 1234567 as `1,234,567`. */
export const grouped = (value: number): string => Math.round(value).toLocaleString("en-US");

/** Bytes in the unit of thousands that suits them: `497.8 MB`. */
export function inBytes(bytes: number): string {
  return `${inThousands(bytes)}B`.replace(/(\d)B$/, "$1 B");
}

/** A number with the prefix that suits it: `291.6 G`. */
export function inThousands(value: number): string {
  const prefixes = ["", "k", "M", "G", "T", "P", "E", "Z", "Y"];
  const power = value < 1000 ? 0 : Math.min(Math.floor(Math.log10(value) / 3 + 1e-9), prefixes.length - 1);
  if (power === 0) return String(Math.round(value));
  return `${(value / 1000 ** power).toFixed(1)} ${prefixes[power]}`;
}
