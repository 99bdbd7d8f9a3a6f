// Signals of a session: every symbol's score, probability, interval and target, with the reasons of the risk rules.

import { all } from "../api.js";
import { h, route, symbolLink } from "../dom.js";
import { change, direction, isKnown, number, percent } from "../format.js";
import { panel, panels } from "../panel.js";
import { choices, sessionPicker } from "../parts/choices.js";
import { intervalOf, probabilityOf, reasonsOf } from "../parts/signal_cells.js";
import { go } from "../router.js";
import { emptyNotice } from "../states.js";
import { table } from "../table.js";

function columns(rows, several) {
  const has = (name) => rows.some((row) => isKnown(row[name]));
  const largest = Math.max(0.001, ...rows.flatMap((row) => [Math.abs(row.lower ?? 0), Math.abs(row.upper ?? 0)]));
  const list = [
    { name: "symbol", title: "Symbol", kind: "text", heading: true, show: (row) => symbolLink(row.symbol, { session: row.session }) },
    several && { name: "strategy", title: "Strategy", kind: "text" },
    { name: "rank", title: "Rank", wideOnly: true, tip: "1 is the best of the session, of its strategy" },
    { name: "direction", title: "Direction", kind: "text", wideOnly: true, show: (row) => direction(row.direction) },
    { name: "score", title: "Score", wideOnly: true, tip: "as the model or rule gives it", show: (row) => number(row.score, 4, { sign: true }) },
    has("probability") && { name: "probability", title: "Probability", unit: "%", tip: "calibrated: that it beats the median of its session", show: probabilityOf },
    has("lower") && { name: "lower", title: "Return, interval", wideOnly: true, tip: "the tick is what is expected, the line is zero; holds the return over the model's horizon with the set share", show: (row) => intervalOf(row, largest) },
    has("confidence") && { name: "confidence", title: "Confidence", unit: "%", wideOnly: true, tip: "share of past errors with which the return has the sign that is expected", show: (row) => (isKnown(row.model_session) ? percent(row.confidence) : "–") },
    { name: "signal_weight", title: "Strategy wants", unit: "%", tip: "of the strategy's capital", show: (row) => change(row.signal_weight, percent(row.signal_weight, 1, { sign: true })) },
    { name: "target_weight", title: "Target", unit: "%", tip: "of the equity: of all strategies together, after the risk rules", show: (row) => change(row.target_weight, percent(row.target_weight, 2, { sign: true })) },
    { name: "reasons", title: "Risk rules", kind: "wide", by: (row) => (row.reasons || []).join(" ") || null, tip: "what the risk rules made of the weight, and why", show: (row) => reasonsOf(row.reasons) },
    { name: "model_session", title: "Model of", kind: "text" },
  ];
  return list.filter(Boolean);
}

function signals(query) {
  let only = "wanted";
  let rows = [];
  let where = null;
  const open = (row) => go(route("symbol", [row.symbol], { session: query.session }));

  function drawTable() {
    const strategies = new Set(rows.map((row) => row.strategy));
    const wanted = rows.filter((row) => only === "all" || row.signal_weight || row.target_weight).map((row) => ({ ...row, session: query.session }));
    const empty = emptyNotice("No symbol is wanted in this session", "Choose “All” to see every score.");
    where.replaceChildren(table({ caption: "Signals", filter: true, sort: "target_weight", down: true, rows: wanted, open, empty, columns: columns(rows, strategies.size > 1) }).node);
  }

  return panel({
    title: "Signals",
    size: "whole",
    hideTitle: false,
    lines: 12,
    topics: query.session ? [] : ["signals"],
    tools: [choices("Which rows", [["wanted", "Wanted"], ["all", "All"]], only, (value) => { only = value; if (where) drawTable(); })],
    load: (signal) => all("signals", { session: query.session }, { signal }),
    draw(body, { data, session, for_open_of: open_of }, say) {
      const models = [...new Set(data.map((row) => row.model_session).filter(Boolean))].join(", ");
      say.note(`decided at the close of ${session || "–"}${open_of ? `, for the open of ${open_of}` : ", for the next open"}${models ? `; model of ${models}` : ""}`);
      rows = data;
      where = body;
      if (data.length) drawTable();
      else body.append(emptyNotice("This session has no signals", "Choose another session, or make them with “ats run”."));
    },
  });
}

export function show(root, { query }) {
  const picker = sessionPicker(query.session, (session) => go(route("signals", [], { session })));
  root.append(h("div", { class: "page-head" }, h("h1", {}, "Signals"), h("div", { class: "tools" }, picker)));
  return panels(root, [signals(query)]);
}
