// Health at a glance: what needs a person first, with what to do; what is well in one line a group.

import { h } from "../dom.js";
import { isKnown, words } from "../format.js";
import { emptyNotice } from "../states.js";

const ORDER = ["failed", "late", "warning", "off", "ok"];
const WORDS = { ok: "Ok", off: "Off", warning: "Warning", late: "Late", failed: "Failed" };

/** A state as a shape and a word. */
export function mark(state) {
  return h("span", { class: "mark", dataset: { state } }, WORDS[state] || "Unknown");
}

function lateBy(seconds) {
  if (!isKnown(seconds)) return "";
  const [unit, length] = [["days", 86400], ["hours", 3600], ["minutes", 60]].find(([, size]) => seconds >= 2 * size) || ["seconds", 1];
  return ` (late by ${Math.floor(seconds / length)} ${unit})`;
}

function troubled(one) {
  return h("li", {}, mark(one.state), h("span", {}, words(one.name), h("span", { class: "muted" }, ` ${one.text}${lateBy(one.late_by_seconds)}`)), one.what_to_do ? h("p", {}, one.what_to_do) : null);
}

/** Draw the components of `/status`; `whole` draws each of them, otherwise those that are well or off are summed up by group. */
export function healthList(body, { components, verdict }, { whole = false } = {}) {
  if (!components?.length) {
    body.append(emptyNotice("Nothing is watched yet", "“ats status” says which components there are."));
    return;
  }
  const place = (one) => (ORDER.includes(one.state) ? ORDER.indexOf(one.state) : 0);
  const sorted = [...components].sort((a, b) => place(a) - place(b));
  const calm = (one) => one.state === "ok" || one.state === "off";
  const lines = sorted.filter((one) => whole || !calm(one)).map(troubled);
  if (!whole) {
    for (const group of new Set(components.map((one) => one.group))) {
      const [well, off] = ["ok", "off"].map((state) => components.filter((one) => one.group === group && one.state === state).map((one) => one.name));
      if (well.length) lines.push(h("li", {}, mark("ok"), h("span", {}, words(group), h("span", { class: "muted" }, ` ${well.join(", ")}`))));
      if (off.length) lines.push(h("li", {}, mark("off"), h("span", {}, words(group), h("span", { class: "muted" }, ` ${off.join(", ")}`))));
    }
  }
  body.append(h("p", { class: "verdict" }, verdict), h("ul", { class: "health" }, lines));
}
