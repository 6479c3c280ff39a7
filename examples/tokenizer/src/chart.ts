import { htmlEscape as html } from "escape-goat";

/** A row of the chart: one value for each series. */
export interface ChartRow {
  readonly label: string;
  readonly values: readonly number[];
  /** Whether a value is to be doubted: its dot is hollow. */
  readonly doubtful: readonly boolean[];
}

const [rowHeight, left, right, top, width] = [26, 130, 24, 34, 900];

/** Dots on lines, one line a row: how many tokens each vocabulary takes for the same sentence. An SVG element. */
export function dotChart(series: readonly string[], rows: readonly ChartRow[]): string {
  const most = Math.max(...rows.flatMap(({ values }) => values));
  const step = niceStep(most / 8);
  const x = (value: number): number => left + (value / (Math.ceil(most / step) * step)) * (width - left - right);
  const height = top + rows.length * rowHeight + 12;
  const ticks = Array.from({ length: Math.ceil(most / step) + 1 }, (_, i) => i * step);
  return [
    `<svg viewBox="0 0 ${width} ${height}" role="img" aria-label="Tokens per sentence, by language and vocabulary">`,
    ...ticks.map((tick) => tickMark(tick, x(tick), height)),
    ...rows.map((row, index) => rowMarks(series, row, top + (index + 0.5) * rowHeight, x)),
    "</svg>",
  ].join("\n");
}

function tickMark(value: number, x: number, height: number): string {
  return `<line class="grid" x1="${x}" x2="${x}" y1="${top - 8}" y2="${height - 8}"/><text class="tick" x="${x}" y="${top - 16}">${value}</text>`;
}

function rowMarks(
  series: readonly string[],
  { label, values, doubtful }: ChartRow,
  y: number,
  x: (value: number) => number,
): string {
  const [least, most] = [Math.min(...values), Math.max(...values)];
  const dots = values.map((value, index) => {
    const title = html`${label}, ${series[index] ?? ""}: ${value.toFixed(1)} tokens`;
    return `<circle class="s${index % 10}${doubtful[index] ? " hollow" : ""}" cx="${x(value).toFixed(1)}" cy="${y}" r="5.5"><title>${title}</title></circle>`;
  });
  return [
    html`<text class="label" x="${left - 14}" y="${y + 5}">${label}</text>`,
    `<line class="span" x1="${x(least)}" x2="${x(most)}" y1="${y}" y2="${y}"/>`,
    ...dots.reverse(),
  ].join("");
}

/** 1, 2 or 5 times a power of ten, at least so large. */
function niceStep(least: number): number {
  const power = 10 ** Math.floor(Math.log10(least));
  return power * ([1, 2, 5, 10].find((factor) => factor * power >= least) ?? 10);
}
