// A fan: quantiles of many paths step by step, as bands around the median.

import { h, s } from "../dom.js";
import { percent } from "../format.js";
import { grouped } from "./analysis.js";

const [WIDTH, HEIGHT, LEFT, BOTTOM] = [640, 230, 52, 22];
const TICKS = 8;

function steps(lowest, highest) {
  const raw = (highest - lowest) / TICKS || 0.01;
  const size = 10 ** Math.floor(Math.log10(raw));
  const step = [1, 2, 5, 10].map((n) => n * size).find((one) => one >= raw);
  const first = Math.ceil(lowest / step - 1e-9);
  return Array.from({ length: Math.floor(highest / step + 1e-9) - first + 1 }, (_, i) => (first + i) * step);
}

/** `rows` of `{ quantile, step, value }`, `value` as a share of the start. */
export function fan(rows, { label }) {
  const lines = [...grouped(rows, "quantile")].sort(([a], [b]) => a - b).map(([quantile, each]) => ({ quantile, each: [...each].sort((a, b) => a.step - b.step) }));
  const values = rows.map((row) => row.value - 1);
  const [lowest, highest, last] = [Math.min(0, ...values), Math.max(0, ...values), Math.max(1, ...rows.map((row) => row.step))];
  const x = (step) => LEFT + ((WIDTH - LEFT - 6) * step) / last;
  const y = (value) => 8 + ((HEIGHT - BOTTOM - 8) * (highest - value)) / (highest - lowest || 1);
  const path = (each) => each.map((row) => `${x(row.step).toFixed(1)} ${y(row.value - 1).toFixed(1)}`);
  const bands = lines.slice(0, Math.floor(lines.length / 2)).map((low, i) => {
    const high = lines[lines.length - 1 - i];
    return s("path", { class: "band", d: `M${[...path(low.each), ...path(high.each).reverse()].join("L")}Z` });
  });
  const middle = lines.length % 2 ? s("path", { class: "middle", d: `M${path(lines[(lines.length - 1) / 2].each).join("L")}` }) : null;
  const across = steps(lowest, highest).map((value) => [
    s("line", { class: Math.abs(value) < 1e-12 ? "zero" : "rule", x1: LEFT, x2: WIDTH - 6, y1: y(value), y2: y(value) }),
    s("text", { x: LEFT - 6, y: y(value) + 4, "text-anchor": "end" }, document.createTextNode(percent(value, highest - lowest < 0.1 ? 1 : 0, { sign: true }))),
  ]);
  const along = [0, Math.round(last / 2), last].map((step, i) => s("text", { x: x(step), y: HEIGHT - 4, "text-anchor": ["start", "middle", "end"][i] }, document.createTextNode(i === 2 ? `${step} sessions` : String(step))));
  const picture = s("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: "img", "aria-label": label, class: "fan" }, ...across.flat(), ...bands, middle, ...along);
  const told = lines.map(({ quantile }) => percent(quantile, quantile * 100 % 1 ? 1 : 0)).join(", ");
  return h("figure", { class: "chart" }, picture, h("figcaption", { class: "muted" }, `Return since the start. Bands between the quantiles ${told}; the line is the median.`));
}
