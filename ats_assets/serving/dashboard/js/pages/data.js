// The data: how fresh, what checks say, what was quarantined or restated, where bars are missing, and how the vendors are doing.

import { get } from "../api.js";
import { figures } from "../bars.js";
import { h, symbolLink } from "../dom.js";
import { ago, isKnown, number, percent, time, words } from "../format.js";
import { panel, panels } from "../panel.js";
import { analysisPanel } from "../parts/analysis.js";
import { choices } from "../parts/choices.js";
import { mark } from "../parts/health.js";
import { emptyNotice } from "../states.js";
import { table } from "../table.js";

const EVERY_S = 60;
const SPANS = [["20", "20 sessions"], ["63", "63"], ["252", "252"]];
const VERDICTS = { ok: "ok", warn: "warning", error: "failed" };

function symbolsOf(symbols) {
  const links = symbols.map((symbol, i) => [i ? ", " : "", symbolLink(symbol)]);
  return h("span", {}, links);
}

/** How a check went, as a state: a failed one is as bad as it says that it is. */
function verdictOf(row) {
  if (row.passed) return VERDICTS.ok;
  return row.severity === "warn" ? VERDICTS.warn : VERDICTS.error;
}

function behindOf(row) {
  if (!isKnown(row.sessions_behind)) return mark("unknown");
  return row.sessions_behind ? h("span", {}, mark("late"), ` ${row.sessions_behind}`) : mark("ok");
}

function freshness(load) {
  return panel({
    title: "Freshness",
    note: "by the newest stored session",
    size: "third",
    lines: 8,
    every: EVERY_S,
    load,
    draw(body, { freshness: rows }) {
      const behind = rows.filter((row) => row.sessions_behind).length;
      if (rows.length) {
        body.append(figures([
          { name: "Datasets", value: String(rows.length) },
          { name: "Up to date", value: String(rows.filter((row) => row.sessions_behind === 0).length) },
          { name: "Behind", value: String(behind), note: `of the session ${rows[0].due}` },
        ]));
      }
      body.append(table({
        caption: "Freshness of datasets",
        height: "380px",
        filter: rows.length > 12,
        sort: "sessions_behind",
        down: true,
        rows,
        empty: emptyNotice("Nothing is stored yet", "“ats run” fetches the data and makes everything from them."),
        columns: [
          { name: "asset", title: "Dataset", kind: "text", heading: true },
          { name: "sessions_behind", title: "Behind", tip: "sessions behind the last close, or the last session of the source", kind: "text", show: behindOf },
          { name: "newest", title: "Newest", kind: "text" },
          { name: "sessions", title: "Stored", unit: "sessions", show: (row) => number(row.sessions, 0) },
          { name: "first", title: "First", kind: "text" },
        ],
      }).node);
    },
  });
}

function checks(load) {
  return panel({
    title: "Checks",
    note: "the newest verdict of each, failed ones first",
    size: "two-thirds",
    lines: 8,
    every: EVERY_S,
    load,
    draw(body, { checks: rows }) {
      const failed = rows.filter((row) => !row.passed).length;
      if (rows.length) body.append(figures([{ name: "Passed", value: String(rows.length - failed) }, { name: "Failed", value: String(failed) }]));
      body.append(table({
        caption: "Checks of data",
        height: "380px",
        filter: rows.length > 12,
        rows,
        empty: emptyNotice("No check has left a verdict here", "“ats run” carries them out; they are told where Dagster keeps its records beside the data."),
        columns: [
          { name: "check", title: "Check", kind: "text", heading: true, show: (row) => words(row.check) },
          { name: "passed", title: "Verdict", kind: "text", by: verdictOf, show: (row) => mark(verdictOf(row)) },
          { name: "asset", title: "Dataset", kind: "text" },
          { name: "session", title: "Session", kind: "text" },
          { name: "text", title: "What it says", kind: "wide", show: (row) => row.text || "–" },
          { name: "at", title: "When", unit: "UTC", kind: "text", show: (row) => time(row.at) },
        ],
      }).node);
    },
  });
}

function quarantine(load) {
  return panel({
    title: "Quarantine by reason",
    note: "rows that broke a rule; good rows beside them went through",
    load,
    draw(body, { quarantine: rows }) {
      body.append(table({
        caption: "Quarantine by reason",
        height: "340px",
        rows,
        empty: emptyNotice("No row was quarantined in these sessions"),
        columns: [
          { name: "reason", title: "Reason", kind: "text", heading: true, show: (row) => words(row.reason) },
          { name: "rows", title: "Rows", show: (row) => number(row.rows, 0) },
          { name: "session", title: "Session", kind: "text" },
          { name: "asset", title: "Dataset", kind: "text" },
          { name: "symbols", title: "Symbols", kind: "wide", by: (row) => row.symbols.join(" "), show: (row) => symbolsOf(row.symbols) },
        ],
      }).node);
    },
  });
}

function quarantinedRows() {
  return analysisPanel({
    name: "quarantine",
    title: "Newest quarantined rows",
    note: "as they were delivered",
    draw(body, { rows }, facts, say) {
      if (facts.rows > rows.length) say.note(`as they were delivered; the newest ${rows.length} of ${number(facts.rows, 0)}`);
      body.append(table({
        caption: "Newest quarantined rows",
        height: "340px",
        filter: rows.length > 12,
        rows,
        empty: emptyNotice("No row was quarantined"),
        columns: [
          { name: "session", title: "Session", kind: "text", heading: true },
          { name: "symbol", title: "Symbol", kind: "text", show: (row) => (row.symbol ? symbolLink(row.symbol) : "–") },
          { name: "reasons", title: "Why", kind: "wide", by: (row) => row.reasons.join(" "), show: (row) => row.reasons.map(words).join(", ") },
          { name: "row", title: "Row", kind: "wide", show: (row) => h("code", {}, row.row) },
        ],
      }).node);
    },
  });
}

function restatements(load) {
  return panel({
    title: "Restatements",
    note: "what vendors changed after they had delivered it; medians of relative changes",
    load,
    draw(body, { restatements: rows }) {
      body.append(table({
        caption: "Restatements",
        height: "340px",
        rows,
        empty: emptyNotice("No row of these sessions differs from the delivery before", "A vendor's corrections appear after the next delivery of a session: “ats restatements” tells them all."),
        columns: [
          { name: "symbol", title: "Symbol", kind: "text", heading: true, show: (row) => symbolLink(row.symbol) },
          { name: "kind", title: "What", kind: "text", show: (row) => words(row.kind) + (row.split ? ` ${row.split}?` : "") },
          { name: "sessions", title: "Sessions", show: (row) => number(row.sessions, 0) },
          { name: "first", title: "From", kind: "text" },
          { name: "last", title: "To", kind: "text" },
          { name: "fields", title: "Size", kind: "wide", by: (row) => Object.keys(row.fields).join(" "), show: (row) => Object.entries(row.fields).map(([name, size]) => `${name} ${percent(size, 2)}`).join(", ") || "–" },
        ],
      }).node);
    },
  });
}

function gaps() {
  return analysisPanel({
    name: "bar-gaps",
    title: "Bar gaps",
    note: "symbols without a bar that had one shortly before, newest first",
    draw(body, { gaps: rows, counts }) {
      if (counts.length) body.append(figures(counts.map((row) => ({ name: words(row.reason), value: number(row.rows, 0) }))));
      body.append(table({
        caption: "Bar gaps",
        height: "300px",
        filter: rows.length > 12,
        rows,
        empty: emptyNotice("No symbol went without a bar"),
        columns: [
          { name: "session", title: "Session", kind: "text", heading: true },
          { name: "symbol", title: "Symbol", kind: "text", show: (row) => symbolLink(row.symbol) },
          { name: "reason", title: "Why", kind: "text", show: (row) => words(row.reason) },
          { name: "vendor", title: "Filled by", kind: "text" },
          { name: "last_session", title: "Last bar", kind: "text" },
          { name: "details", title: "Details", kind: "wide", show: (row) => (row.reason === "quarantined" ? (row.details || "").split(", ").map(words).join(", ") : row.details) },
        ],
      }).node);
    },
  });
}

const BREAKERS = { closed: "ok", trying: "warning", open: "failed" };

function vendors() {
  return panel({
    title: "Vendors",
    note: "requests of the last day; the breaker is open while a vendor is left alone",
    size: "whole",
    every: EVERY_S,
    load: (signal) => get("vendors", {}, { signal }),
    draw(body, { data }) {
      body.append(table({
        caption: "Vendors",
        rows: data,
        empty: emptyNotice("No vendor was asked", "Synthetic data and files need none; source.kind names one, and “ats run” asks it."),
        columns: [
          { name: "vendor", title: "Vendor", kind: "text", heading: true },
          { name: "breaker", title: "Breaker", kind: "text", show: (row) => h("span", {}, mark(BREAKERS[row.breaker] || "unknown"), ` ${row.breaker}`) },
          { name: "succeeded", title: "Answered", show: (row) => number(row.succeeded, 0) },
          { name: "failed", title: "Failed", show: (row) => number(row.failed, 0) },
          { name: "failures_in_a_row", title: "In a row", tip: "failures since the last answer", show: (row) => number(row.failures_in_a_row, 0) },
          { name: "recent_requests", title: "Last day", unit: "requests", show: (row) => number(row.recent_requests, 0) },
          { name: "recent_seconds", title: "Answer", unit: "s", tip: "mean of the last day", show: (row) => number(row.recent_seconds, 2) },
          { name: "cache_hit_rate", title: "From the cache", unit: "%", show: (row) => percent(row.cache_hit_rate) },
          { name: "budgets", title: "Limits in use", kind: "wide", by: (row) => Math.max(0, ...row.budgets.map((one) => one.units / one.most)), show: (row) => row.budgets.map((one) => `${number(one.units, 0)} of ${number(one.most, 0)} in ${number(one.seconds, 0)} s`).join(", ") || "–" },
          { name: "succeeded_at", title: "Last answer", kind: "text", show: (row) => h("span", { title: time(row.succeeded_at) }, ago(row.succeeded_at)) },
          { name: "failure", title: "Last failure", kind: "wide", show: (row) => (row.failed_at ? `${time(row.failed_at)} UTC ${row.failure || ""}` : "–") },
          { name: "host", title: "Server", kind: "text" },
        ],
      }).node);
    },
  });
}

export function show(root) {
  let span = SPANS[0][0];
  // one answer for four panels: each asks, and those that ask at the same time share it
  let asked = null;
  const load = (signal) => {
    if (!asked) {
      const mine = get("quality", { sessions: span }).finally(() => { if (asked === mine) asked = null; });
      asked = mine;
    }
    return asked.then((found) => { signal.throwIfAborted(); return found; });
  };
  const ofSpan = [freshness(load), checks(load), quarantine(load), restatements(load)];
  const picker = choices("How far back", SPANS, span, (one) => { span = one; asked = null; ofSpan.forEach((each) => each.renew()); });
  root.append(h("div", { class: "page-head" }, h("h1", {}, "Data"), h("div", { class: "tools" }, picker)));
  return panels(root, [ofSpan[0], ofSpan[1], ofSpan[2], quarantinedRows(), ofSpan[3], gaps(), vendors()]);
}
