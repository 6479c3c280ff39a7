import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { htmlEscape as html } from "escape-goat";

/** A learning curve: one value at each of some steps. */
export interface Curve {
  readonly label: string;
  readonly points: readonly { readonly step: number; readonly value: number }[];
}

/** What the report shows. */
export interface ReportContent {
  readonly title: string;
  /** Name and value of everything that the run was made of, in order. */
  readonly facts: readonly (readonly [name: string, value: string])[];
  readonly charts: readonly { readonly title: string; readonly curves: readonly Curve[] }[];
  readonly samples: readonly { readonly step: number; readonly text: string }[];
}

/** One HTML page that needs nothing beside itself: charts, samples over time, and the configuration. */
export async function renderReport(content: ReportContent): Promise<string> {
  const [script, chartStyle] = await Promise.all([
    asset("uplot/dist/uPlot.iife.min.js"),
    asset("uplot/dist/uPlot.min.css"),
  ]);
  const charts = JSON.stringify(content.charts.map(chartData)).replaceAll("<", "\\u003c");
  return [
    "<!doctype html>",
    html`<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>${content.title}</title>`,
    `<style>${chartStyle}${pageStyle}</style></head><body>`,
    html`<h1>${content.title}</h1>`,
    `<main id="charts"></main><h2>Samples</h2>`,
    ...[...content.samples].reverse().map(({ step, text }) => html`<h3>after step ${step}</h3><pre>${text}</pre>`),
    `<h2>Configuration</h2><table>`,
    ...content.facts.map(([name, value]) => html`<tr><th scope="row">${name}</th><td>${value}</td></tr>`),
    `</table><script>${script}</script><script>const charts = ${charts};${drawCharts}</script></body></html>`,
  ].join("\n");
}

const asset = (name: string): Promise<string> => readFile(createRequire(import.meta.url).resolve(name), "utf8");

/** uPlot's form: the steps of all curves in one row, then a row of values for each curve, null where it has none. */
function chartData({ title, curves }: ReportContent["charts"][number]): object {
  const steps = [...new Set(curves.flatMap(({ points }) => points.map(({ step }) => step)))].sort((a, b) => a - b);
  const rows = curves.map(({ points }) => {
    const values = new Map(points.map(({ step, value }) => [step, value]));
    return steps.map((step) => values.get(step) ?? null);
  });
  return { title, labels: curves.map(({ label }) => label), data: [steps, ...rows] };
}

const pageStyle = `
:root { color-scheme: light; }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 1000px; margin: 2rem auto; padding: 0 1rem; color: #1c2330; background: #fff; }
h1 { font-size: 1.6rem; } h2 { margin-top: 2.5rem; font-size: 1.2rem; } h3 { font-size: 1rem; margin-bottom: .3rem; }
#charts { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 440px), 1fr)); gap: 1.5rem; }
pre { background: #f4f5f8; border-radius: 6px; padding: 1rem; white-space: pre-wrap; overflow-wrap: anywhere; margin: 0; }
th { text-align: left; font-weight: 500; padding: .2rem 2rem .2rem 0; vertical-align: top; } td { overflow-wrap: anywhere; }
table { border-collapse: collapse; } tr { border-bottom: 1px solid #e4e7ee; } .u-title { font-size: 1rem; }`;

/** Runs in the page: draws each chart, as wide as its column. */
const drawCharts = `
const colors = ["#3b6fd4", "#d4572b"];
const place = document.getElementById("charts");
for (const { title, labels, data } of charts) {
  const cell = place.appendChild(document.createElement("div"));
  const series = labels.map((label, i) => ({
    label, stroke: colors[i], width: 1.5, spanGaps: true, points: { show: i > 0 || data[0].length < 60 },
    value: (_, v) => v == null ? "" : Number(v.toPrecision(4)).toString(),
  }));
  const axes = [{ label: "step" }, { size: 70, values: (_, ticks) => ticks.map((v) => Number(v.toPrecision(4)).toString()) }];
  const width = Math.max(300, cell.clientWidth);
  const plot = new uPlot({ title, width, height: 280, scales: { x: { time: false } }, axes, series: [{ label: "step" }, ...series] }, data, cell);
  addEventListener("resize", () => plot.setSize({ width: cell.clientWidth, height: 280 }));
}`;
