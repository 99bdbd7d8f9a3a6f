// A signal down to the vendor's delivery: each partition with its versions, opened level by level.

import { h } from "../dom.js";
import { isKnown, number, words } from "../format.js";

const OPEN_LEVELS = 1;
const SHORT = 12;

function spansOf(spans) {
  return spans.map(([first, last, count]) => (count === 1 ? first : `${first} to ${last} (${count})`)).join(", ");
}

function versions(node) {
  const said = node.data_version
    ? [["data", node.data_version], ["code", node.code_version], ["settings", node.settings_version]]
    : [["digest", node.digest]];
  return h("div", { class: "versions" }, said.filter(([, version]) => version).map(([what, version], i) => [i ? ", " : "", `${what} `, h("code", { title: version }, version.slice(0, SHORT))]));
}

function rowOf(row) {
  const told = Object.entries(row || {}).filter(([name, value]) => isKnown(value) && value.length !== 0 && name !== "symbol" && name !== "session");
  if (!told.length) return null;
  const text = (value) => (typeof value === "number" && !Number.isInteger(value) ? number(value, 4) : Array.isArray(value) ? value.join("; ") : String(value));
  return h("div", { class: "versions" }, told.map(([name, value]) => `${words(name).toLowerCase()} ${text(value)}`).join(", "));
}

function title(node) {
  const when = node.session || (node.spans ? spansOf(node.spans) : "");
  return [h("span", { class: "asset" }, node.asset), h("span", { class: "muted" }, ` ${when}`)];
}

function branch(node, level) {
  const inner = () => [
    versions(node),
    rowOf(node.row),
    node.path ? h("div", { class: "versions" }, h("code", {}, node.path)) : null,
    ...(node.notes || []).map((note) => h("div", { class: "versions" }, `Note: ${note}`)),
    node.made_from?.length ? h("ul", {}, node.made_from.map((one) => h("li", {}, branch(one, level + 1)))) : null,
  ];
  const details = h("details", {}, h("summary", {}, title(node)));
  const fill = () => details.childElementCount === 1 && details.append(...inner().filter(Boolean));
  details.addEventListener("toggle", () => details.open && fill());
  if (level < OPEN_LEVELS) {
    fill();
    details.open = true;
  }
  return details;
}

/** The tree, its first levels open. */
export function lineageTree(found) {
  const way = wayDown(found).map((asset, i) => [i ? " ← " : "", h("span", { class: "asset" }, asset)]);
  return h("div", { class: "lineage" }, h("p", { class: "way" }, way), branch(found, 0));
}

/** The longest way from what was wanted down to a delivery, by the names of the assets. */
export function wayDown(node) {
  const ways = (node.made_from || []).map(wayDown);
  const longest = ways.reduce((best, way) => (way.length > best.length ? way : best), []);
  return [node.asset, ...longest].filter((asset, i, all) => asset !== all[i - 1]); // a window and its own session are one step
}
