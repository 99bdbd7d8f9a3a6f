// Cells that pages with signals share.

import { h } from "../dom.js";
import { isKnown, percent } from "../format.js";

/** The largest wishes first, whatever their side. */
export function bySignal(a, b) {
  return Math.abs(b.signal_weight ?? 0) - Math.abs(a.signal_weight ?? 0) || (b.probability ?? 0) - (a.probability ?? 0);
}

export function probabilityOf(row) {
  return percent(row.probability);
}

/** The interval of the return as text and to scale; `largest` is the return at its ends. */
export function intervalOf(row, largest) {
  if (!isKnown(row.lower) || !isKnown(row.upper) || !isKnown(row.model_session)) return "–"; // it is the model's: a rule's score has none
  const place = (value) => 50 + (50 * Math.max(-1, Math.min(1, value / largest)));
  const style = { "--from": `${place(row.lower)}%`, "--wide": `${place(row.upper) - place(row.lower)}%`, "--at": `${place(row.expected_return ?? 0)}%` };
  const tick = isKnown(row.expected_return) ? h("b") : null;
  const text = `${percent(row.lower, 1, { sign: true })} to ${percent(row.upper, 1, { sign: true })}`;
  return h("span", {}, text, h("span", { class: "interval", style, "aria-hidden": "true" }, h("i"), tick));
}

/** Why the weight is what it is, each risk rule's words on a line. */
export function reasonsOf(reasons) {
  if (!reasons?.length) return h("span", { class: "muted" }, "unchanged");
  return h("ul", { class: "reasons" }, reasons.map((reason) => h("li", {}, reason)));
}
