import { htmlEscape as html } from "escape-goat";

/** A row of the chart: one value for each series. */
export interface ChartRow {
  readonly label: string;
  readonly values: readonly number[];
  /** Whether a value is to be doubted: its mark is hollow. */
  readonly doubtful: readonly boolean[];
}

const [left, right, top, width] = [130, 24, 34, 900];

/** How far apart marks must stand to be seen each, and the height of a row beside that of its marks. */
const [markSize, rowSpace] = [11, 16];

/** Ten colours, as circles and then as squares. */
export const seriesClass = (index: number): string => `s${index % 10}${index % 20 < 10 ? "" : " square"}`;

/**
 * Marks in rows: how many tokens each vocabulary takes for the same sentence. Marks that would hide one
 * another stand one below the other. An SVG element.
 */
export function dotChart(series: readonly string[], rows: readonly ChartRow[]): string {
  const most = Math.max(...rows.flatMap(({ values }) => values));
  const step = niceStep(most / 8);
  const x = (value: number): number => left + (value / (Math.ceil(most / step) * step)) * (width - left - right);
  let height = top;
  const drawn = rows.map((row, index) => {
    const lanes = lanesOf(row.values.map(x));
    const rowHeight = (Math.max(...lanes) + 1) * markSize + rowSpace;
    const middle = height + rowHeight / 2;
    const band = `<rect class="band${index % 2}" x="0" y="${height}" width="${width}" height="${rowHeight}"/>`;
    height += rowHeight;
    return { band, marks: rowMarks(series, row, lanes, middle, x) };
  });
  const ticks = Array.from({ length: Math.ceil(most / step) + 1 }, (_, i) => i * step);
  return [
    `<svg viewBox="0 0 ${width} ${height + 12}" role="img" aria-label="Tokens per sentence, by language and vocabulary">`,
    ...drawn.map(({ band }) => band),
    ...ticks.map((tick) => tickMark(tick, x(tick), height)),
    ...drawn.map(({ marks }) => marks),
    "</svg>",
  ].join("\n");
}

/** For each place in a row the first lane where no other mark stands too near. */
function lanesOf(places: readonly number[]): number[] {
  const ends: number[] = []; // the rightmost place of each lane
  const lanes: number[] = [];
  const fromLeft = [...places.entries()].sort(([, a], [, b]) => a - b);
  for (const [index, place] of fromLeft) {
    const free = ends.findIndex((end) => place - end >= markSize + 1);
    const lane = free < 0 ? ends.length : free;
    ends[lane] = place;
    lanes[index] = lane;
  }
  return lanes;
}

function tickMark(value: number, x: number, bottom: number): string {
  return `<line class="grid" x1="${x}" x2="${x}" y1="${top - 8}" y2="${bottom}"/><text class="tick" x="${x}" y="${top - 16}">${value}</text>`;
}

function rowMarks(
  series: readonly string[],
  { label, values, doubtful }: ChartRow,
  lanes: readonly number[],
  middle: number,
  x: (value: number) => number,
): string {
  const marks = values.map((value, index) => {
    const title = html`${label}, ${series[index] ?? ""}: ${value.toFixed(1)} tokens`;
    const y = middle + ((lanes[index] ?? 0) - Math.max(...lanes) / 2) * markSize;
    const radius = seriesClass(index).endsWith("square") ? 1 : markSize / 2;
    return `<rect class="mark ${seriesClass(index)}${doubtful[index] ? " hollow" : ""}" x="${(x(value) - markSize / 2).toFixed(1)}" y="${y - markSize / 2}" width="${markSize}" height="${markSize}" rx="${radius}"><title>${title}</title></rect>`;
  });
  return [html`<text class="label" x="${left - 14}" y="${middle + 5}">${label}</text>`, ...marks].join("");
}

/** 1, 2 or 5 times a power of ten, at least so large. */
function niceStep(least: number): number {
  const power = 10 ** Math.floor(Math.log10(least));
  return power * ([1, 2, 5, 10].find((factor) => factor * power >= least) ?? 10);
}
