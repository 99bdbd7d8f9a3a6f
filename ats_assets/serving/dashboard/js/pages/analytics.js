// Analytics: backtests side by side, what each fit was worth out of sample, what could have come, by whom the profit was made, and the reports.

import { get } from "../api.js";
import { zeroBars } from "../bars.js";
import { sessionChart } from "../chart.js";
import { h } from "../dom.js";
import { change, isKnown, money, number, percent, shortMoney, time, words } from "../format.js";
import { panel, panels } from "../panel.js";
import { analysisPanel, grouped } from "../parts/analysis.js";
import { backtestsPanel } from "../parts/backtests.js";
import { choices } from "../parts/choices.js";
import { crossValidationPanel, knowledgePanel, monteCarloPanel, regimesPanel } from "../parts/judged.js";
import { asReturn, lineLook, points } from "../parts/series_of.js";
import { emptyNotice } from "../states.js";
import { table } from "../table.js";

const MOST_BARS = 15;
const share = (value, decimals = 2) => percent(value, decimals, { sign: true });

function segments() {
  return analysisPanel({
    name: "segments",
    title: "Walk-forward segments",
    note: "each fit on sessions that it had not seen",
    draw(body, { segments: rows }, facts) {
      const good = rows.filter((row) => row.rank_ic > 0).length;
      body.append(h("p", {}, `From each fit to the next, the rank IC over ${facts.horizon_sessions} sessions is above zero in ${good} of ${rows.length} segments. An edge shows as many small bars on one side, not as a few tall ones.`));
      const data = points(rows, "model_session", (row) => row.rank_ic);
      const chart = data.length > 1 ? sessionChart({ label: `Rank IC of ${data.length} segments, by the session of the fit`, height: 130, series: [{ name: "Rank IC", kind: "histogram", data, tone: "series-1", show: (point) => (isKnown(point?.value) ? number(point.value, 4, { sign: true }) : "–") }] }) : null;
      if (chart) body.append(chart.node);
      body.append(table({
        caption: "Walk-forward segments",
        height: "280px",
        sort: "model_session",
        down: true,
        rows,
        columns: [
          { name: "model_session", title: "Fitted at", kind: "text", heading: true },
          { name: "sessions", title: "Judged", unit: "sessions", show: (row) => number(row.sessions, 0) },
          { name: "rank_ic", title: "Rank IC", show: (row) => number(row.rank_ic, 4, { sign: true }) },
          { name: "t_statistic", title: "t", show: (row) => number(row.t_statistic, 1, { sign: true }) },
          { name: "positive_share", title: "Above 0", unit: "%", show: (row) => percent(row.positive_share, 0) },
          { name: "account_return", title: "Account", tip: "its return while the fit was the newest, after costs", show: (row) => (isKnown(row.account_return) ? change(row.account_return, share(row.account_return)) : "–") },
          { name: "first", title: "From", kind: "text" },
          { name: "last", title: "To", kind: "text" },
        ],
      }).node);
      return chart?.close;
    },
  });
}

function strategies() {
  let by = "strategy";
  return analysisPanel({
    name: "strategies",
    title: "Performance by strategy and model",
    note: "netted orders are split back",
    draw(body, { equity, attribution }) {
      const lines = [...grouped(equity, "strategy")].map(([name, rows], i) => {
        let sum = 0;
        const data = points(rows, "session", (row) => row.pnl).map((point) => ({ time: point.time, value: (sum += point.value) }));
        return { name, ...lineLook(i), data, show: (point) => (isKnown(point?.value) ? money(point.value, { sign: true }) : "–") };
      }).filter((line) => line.data.length > 1);
      const chart = lines.length ? sessionChart({ label: `Profit of each strategy since the start: ${lines.map((line) => `${line.name} ${money(line.data.at(-1).value, { sign: true })}`).join(", ")}`, height: 180, format: shortMoney, series: lines }) : null;
      if (chart) body.append(chart.node);
      const dimensions = [...new Set(attribution.map((row) => row.dimension))];
      const place = h("div");
      const draw = () => {
        const rows = attribution.filter((row) => row.dimension === by).sort((a, b) => Math.abs(b.profit) - Math.abs(a.profit));
        const bars = rows.slice(0, MOST_BARS).map((row) => ({ name: by === "symbol" ? row.part : words(row.part), value: row.profit, text: `${money(row.profit, { sign: true })} (${percent(row.share, 0)})`, title: `costs ${money(row.costs)}` }));
        place.replaceChildren(zeroBars(bars, { caption: `Profit by ${by}`, head: [words(by), "Profit", "− 0 +"] }), rows.length > MOST_BARS ? h("p", { class: "muted" }, `The ${MOST_BARS} largest of ${rows.length}.`) : "");
      };
      if (!dimensions.includes(by)) [by] = dimensions;
      body.append(h("h3", {}, "Who made the profit"), h("div", { class: "controls" }, choices("By", dimensions.map((one) => [one, words(one)]), by, (one) => { by = one; draw(); })), place);
      draw();
      return chart?.close;
    },
  });
}

const EFFECTS = ["allocation", "selection", "interaction", "trading", "costs"];

function periodsTable(rows) {
  const column = (name, title) => ({ name, title, unit: "%", show: (row) => share(row[name]) });
  return table({
    caption: "Return over the universe by period",
    height: "260px",
    rows,
    columns: [
      { name: "period", title: "Period", kind: "text", heading: true, show: (row) => (row.period === "all" ? "All" : row.period) },
      column("account", "Account"),
      column("benchmark", "Universe"),
      { name: "active", title: "Active", unit: "%", show: (row) => change(row.active, share(row.active)) },
      ...EFFECTS.map((name) => column(name, words(name))),
    ],
  }).node;
}

function groupsTable(rows) {
  const column = (name, title) => ({ name, title, unit: "%", show: (row) => share(row[name]) });
  return table({
    caption: "Return over the universe by group",
    rows,
    columns: [
      { name: "group", title: "Group", kind: "text", heading: true },
      { name: "weight", title: "Weight", unit: "%", show: (row) => percent(row.weight) },
      { name: "benchmark_weight", title: "In the universe", unit: "%", show: (row) => percent(row.benchmark_weight) },
      column("account", "Account"),
      column("benchmark", "Universe"),
      column("allocation", "Allocation"),
      column("selection", "Selection"),
      column("interaction", "Interaction"),
      column("active", "Active"),
    ],
  }).node;
}

/** Returns of sessions, compounded. */
function compounded(data) {
  let value = 1;
  return data.map((point) => ({ time: point.time, value: (value *= 1 + point.value) - 1 }));
}

function activeReturn() {
  return analysisPanel({
    name: "active-return",
    title: "Return over the universe",
    note: "why the account's return is not its universe's: groups, symbols within them, trading, costs",
    size: "whole",
    draw(body, { periods, groups, sessions }) {
      const lines = [["account", "Account"], ["benchmark", "Universe"]].map(([name, title], i) => ({ name: title, ...lineLook(i), data: compounded(points(sessions, "session", (row) => row[name])), show: asReturn }));
      const chart = sessions.length > 1 ? sessionChart({ label: "Account and universe, compounded", height: 170, format: (value) => percent(value, 0), series: lines }) : null;
      if (chart) body.append(chart.node);
      const whole = periods.find((row) => row.period === "all");
      if (whole) {
        const bars = EFFECTS.map((name) => ({ name: words(name), value: whole[name], text: share(whole[name]) }));
        body.append(h("h3", {}, `Of ${share(whole.active)} over all sessions`), zeroBars(bars, { caption: "Effects over all sessions", head: ["Effect", "%", "− 0 +"] }));
      }
      body.append(h("h3", {}, "By period"), periodsTable(periods), h("h3", {}, "By group, over all sessions"), groupsTable(groups.filter((row) => row.period === "all")));
      return chart?.close;
    },
  });
}

function reports() {
  return panel({
    title: "Reports",
    note: "pages that are whole by themselves; each opens beside this one",
    load: (signal) => get("reports", {}, { signal }),
    draw(body, { data }) {
      body.append(table({
        caption: "Reports",
        rows: data,
        empty: emptyNotice("No report is stored", "“ats run” makes that of the backtest, “ats report” writes it as a file."),
        columns: [
          { name: "name", title: "Report", kind: "text", heading: true, show: (row) => h("a", { href: `/api/v1/reports/${encodeURIComponent(row.name)}`, target: "_blank", rel: "noopener" }, words(row.name)) },
          { name: "made_at", title: "Made", unit: "UTC", kind: "text", show: (row) => time(row.made_at) },
          { name: "bytes", title: "Size", unit: "kB", show: (row) => number(row.bytes / 1000, 0) },
        ],
      }).node);
    },
  });
}

export function show(root) {
  root.append(h("div", { class: "page-head" }, h("h1", {}, "Analytics")));
  return panels(root, [backtestsPanel(), segments(), regimesPanel(), monteCarloPanel(), strategies(), crossValidationPanel(), activeReturn(), knowledgePanel(), reports()]);
}
