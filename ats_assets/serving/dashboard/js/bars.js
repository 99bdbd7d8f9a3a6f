// Small charts of HTML alone: bars from zero, and a heat map. Each value stands beside its shape as text.

import { h } from "./dom.js";
import { number } from "./format.js";

/** Bars to both sides of zero: `rows` of `{ name, value, text, title?, tone? }`, all of one scale. */
export function zeroBars(rows, { caption, head = ["", "", ""] }) {
  const largest = Math.max(1e-12, ...rows.map((row) => Math.abs(row.value)));
  const negative = rows.some((row) => row.value < 0);
  const lines = rows.map((row) => {
    const share = (100 * Math.abs(row.value)) / largest;
    const bar = h("span", { class: `bar ${row.tone || (row.value < 0 ? "loss" : "gain")}`, style: { "--share": `${share}%` }, dataset: { side: row.value < 0 ? "below" : "above" } });
    return h("tr", { title: row.title }, h("th", { scope: "row", class: "text" }, row.name), h("td", { class: "number" }, row.text), h("td", { class: "track", "aria-hidden": "true", dataset: { both: negative ? "yes" : "no" } }, bar));
  });
  const heads = h("tr", {}, head.map((title, i) => h("th", { scope: "col", class: ["text", "number", "track"][i] }, title)));
  return h("div", { class: "scroll", tabindex: "0", role: "group", "aria-label": caption }, h("table", { class: "bars" }, h("caption", { class: "unseen" }, caption), h("thead", {}, heads), h("tbody", {}, lines)));
}

/** A heat map from -1 to 1, each cell with its number. */
export function heatMap(names, matrix, { caption, decimals = 2 }) {
  const head = h("tr", {}, h("td", {}), names.map((name) => h("th", { scope: "col" }, name)));
  const lines = matrix.map((values, i) => {
    const cells = values.map((value) => h("td", { class: value < 0 ? "below" : "above", style: { "--strength": String(Math.min(1, Math.abs(value ?? 0))) } }, number(value, decimals)));
    return h("tr", {}, h("th", { scope: "row" }, names[i]), cells);
  });
  return h("div", { class: "scroll", tabindex: "0", role: "group", "aria-label": caption }, h("table", { class: "heat" }, h("caption", { class: "unseen" }, caption), h("thead", {}, head), h("tbody", {}, lines)));
}

/** Large figures: `{ name, value, note? }`; `value` is text or a node. */
export function figures(list) {
  return h("dl", { class: "figures" }, list.map(({ name, value, note, title }) => h("div", { title }, h("dt", {}, name), h("dd", {}, value), note ? h("dd", { class: "note" }, note) : null)));
}
