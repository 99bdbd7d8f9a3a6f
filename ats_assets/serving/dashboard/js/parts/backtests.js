// Backtests side by side: equity and drawdown on one chart each, and a table of figures.

import { all, get } from "../api.js";
import { sessionChart } from "../chart.js";
import { h } from "../dom.js";
import { number, percent } from "../format.js";
import { panel } from "../panel.js";
import { choices } from "./choices.js";
import { asReturn, drawdown, growth, lineLook, points } from "./series_of.js";
import { emptyNotice } from "../states.js";
import { table } from "../table.js";

const STARTS_AT_ONE = new Set(["event_backtest"]); // its first row is after the first session's return
const MOST = 20_000;

/** Each backtest with its equity, and the account of paper trading where one was settled. */
async function stored(signal) {
  const { data } = await get("backtests", {}, { signal });
  const equities = await Promise.all(data.map((one) => all(`backtests/${encodeURIComponent(one.name)}/equity`, {}, { signal, most: MOST }).then((found) => found.data, (error) => { if (error.kind === "missing") return []; throw error; })));
  const account = await all("portfolio/equity", {}, { signal, most: MOST }).then((found) => found.data, () => []);
  return { backtests: data.map((one, i) => ({ ...one, equity: equities[i] })), account };
}

/** The lines to compare: `{ name, data }`, `data` an equity. */
function lines({ backtests, account }, withAccount) {
  const found = backtests.map((one) => {
    const data = points(one.equity, "session", (row) => row.equity);
    return { name: one.name, data: STARTS_AT_ONE.has(one.name) && data.length ? [{ time: data[0].time, value: 1 }, ...data.slice(1)] : data };
  });
  const main = backtests.find((one) => one.equity.some((row) => row.benchmark !== undefined));
  if (main) found.push({ name: "benchmark", data: points(main.equity, "session", (row) => row.benchmark) });
  if (withAccount) found.push({ name: "account, as traded", data: points(account, "session", (row) => Number(row.equity)) });
  return found.filter((line) => line.data.length > 1);
}

function figuresTable(rows) {
  return table({
    caption: "Figures of backtests",
    rows,
    columns: [
      { name: "name", title: "Backtest", kind: "text", heading: true, show: (row) => h("span", { title: row.title }, row.name) },
      { name: "first", title: "From", kind: "text" },
      { name: "last", title: "To", kind: "text" },
      { name: "total_return", title: "Return", unit: "%", show: (row) => percent(row.total_return, 1, { sign: true }) },
      { name: "annual_return", title: "A year", unit: "%", show: (row) => percent(row.annual_return, 1, { sign: true }) },
      { name: "volatility", title: "Volatility", unit: "%, a year", show: (row) => percent(row.volatility) },
      { name: "sharpe", title: "Sharpe", show: (row) => number(row.sharpe) },
      { name: "sortino", title: "Sortino", show: (row) => number(row.sortino) },
      { name: "max_drawdown", title: "Deepest drawdown", unit: "%", show: (row) => percent(row.max_drawdown) },
      { name: "turnover_a_year", title: "Turnover", unit: "× a year", show: (row) => number(row.turnover_a_year, 1) },
      { name: "costs_a_year", title: "Costs", unit: "% a year", show: (row) => percent(row.costs_a_year, 2) },
    ],
  }).node;
}

export function backtestsPanel() {
  let [scale, withAccount] = ["linear", false];
  const made = panel({
    title: "Backtests side by side",
    note: "returns since the first session of each, after costs",
    size: "whole",
    lines: 12,
    tools: [
      choices("Account", [["no", "Backtests"], ["yes", "With the account"]], "no", (one) => { withAccount = one === "yes"; made.renew(); }),
      choices("Scale", [["linear", "Linear"], ["log", "Log"]], scale, (one) => { scale = one; made.renew(); }),
    ],
    load: async (signal) => ({ scale, withAccount, ...(await stored(signal)) }),
    draw(body, found) {
      if (!found.backtests.length) {
        body.append(emptyNotice("No backtest is stored yet", "“ats run” makes it after the targets."));
        return null;
      }
      const shown = lines(found, withAccount);
      const closes = [];
      if (shown.length) {
        const log = scale === "log";
        const own = (data) => (log ? growth(data).map((point) => ({ time: point.time, value: point.value + 1 })) : growth(data));
        const show = log ? (point) => (point ? `× ${number(point.value, 3)}` : "–") : asReturn;
        const label = `Returns: ${shown.map((line) => `${line.name} ${percent(growth(line.data).at(-1).value, 1, { sign: true })}`).join(", ")}`;
        const equity = sessionChart({ label, height: 300, logarithmic: log, format: log ? (value) => value.toFixed(2) : (value) => percent(value, 0), series: shown.map((line, i) => ({ name: line.name, ...lineLook(i), data: own(line.data), show })) });
        const falls = sessionChart({ label: "Drawdown of each", height: 140, format: (value) => percent(value, 0), series: shown.map((line, i) => ({ name: line.name, ...lineLook(i), data: drawdown(line.data), show: asReturn })) });
        body.append(equity.node, h("h3", {}, "Drawdown"), falls.node);
        closes.push(equity.close, falls.close);
      } else body.append(emptyNotice("A line needs two sessions", "The backtest has fewer."));
      body.append(h("h3", {}, "Figures"), figuresTable(found.backtests));
      return () => closes.forEach((close) => close());
    },
  });
  return made;
}
