// Health at a glance: each component with its state as a word and a shape, those in trouble first, with what to do.

import { h } from "../dom.js";
import { ago, isKnown, words } from "../format.js";
import { emptyNotice } from "../states.js";

const ORDER = ["failed", "warning", "unknown", "ok"];

export function mark(state) {
  return h("span", { class: "mark", dataset: { state } }, { ok: "Ok", warning: "Warning", failed: "Failed" }[state] || "Unknown");
}

export function healthList(body, rows) {
  if (!rows?.length) {
    body.append(emptyNotice("Nothing is watched yet", "“ats status” says which components there are."));
    return;
  }
  const place = (row) => ORDER.indexOf(ORDER.includes(row.state) ? row.state : "unknown");
  const sorted = [...rows].sort((a, b) => place(a) - place(b));
  body.append(h("ul", { class: "health" }, sorted.map((row) => {
    const late = isKnown(row.late_by) ? `late by ${row.late_by}` : isKnown(row.since) && row.state !== "ok" ? `since ${ago(row.since)}` : "";
    const said = [row.says, late].filter(Boolean).join("; ");
    return h("li", {}, mark(row.state), h("span", {}, words(row.name), said ? h("span", { class: "muted" }, ` ${said}`) : null), row.state !== "ok" && row.what_to_do ? h("p", {}, row.what_to_do) : null);
  })));
}

