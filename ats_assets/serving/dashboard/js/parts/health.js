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

/** Those of one state: how many of which groups, and each by its name when it is opened. */
function summed(components) {
  const groups = Map.groupBy(components, (one) => one.group);
  const counts = [...groups].map(([group, ones]) => `${ones.length} of ${group}`).join(", ");
  const names = h("ul", { class: "names" }, components.map((one) => h("li", {}, h("b", {}, words(one.name)), ` ${one.text}`)));
  return h("details", {}, h("summary", {}, counts), names);
}

/** Draw the components of `/status`; `whole` draws each of them, otherwise those that are well or off are summed up. */
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
    for (const state of ["ok", "off"]) {
      const these = components.filter((one) => one.state === state);
      if (these.length) lines.push(h("li", {}, mark(state), summed(these)));
    }
  }
  body.append(h("p", { class: "verdict" }, verdict), h("ul", { class: "health" }, lines));
}
