// The portfolio: what is held, how exposed and how risky that is, who made the profit, and what moves together.

import { all, get } from "../api.js";
import { figures, heatMap, zeroBars } from "../bars.js";
import { h, route, symbolLink } from "../dom.js";
import { change, isKnown, money, number, percent, quantity, words } from "../format.js";
import { panel, panels } from "../panel.js";
import { choices } from "../parts/choices.js";
import { equityChart } from "../parts/equity.js";
import { go } from "../router.js";
import { emptyNotice } from "../states.js";
import { table } from "../table.js";

const MOST_BARS = 15;
const HELD = ["positions", "fills"];

function holdings() {
  return panel({
    title: "Holdings",
    note: "values at the last known price; the day since the last stored close",
    size: "whole",
    lines: 10,
    topics: HELD,
    load: (signal) => all("portfolio/positions", {}, { signal }),
    draw(body, { data }) {
      const sum = (name) => data.reduce((total, row) => total + Number(row[name] ?? 0), 0);
      if (data.length) {
        body.append(figures([
          { name: "Positions", value: String(data.length) },
          { name: "Value", value: money(sum("value")) },
          { name: "Profit of the day", value: change(sum("session_profit")) },
          { name: "Unrealised", value: change(sum("unrealised")) },
          { name: "Realised", value: change(sum("realised")), note: "of what is held, since entered" },
        ]));
      }
      body.append(table({
        caption: "Holdings",
        filter: true,
        key: "symbol",
        sort: "value",
        down: true,
        height: "460px",
        rows: data,
        open: (row) => go(route("symbol", [row.symbol])),
        empty: emptyNotice("Nothing is held", "Positions appear with the first fill: “ats trade” sends the newest session's orders."),
        columns: [
          { name: "symbol", title: "Symbol", kind: "text", heading: true, show: (row) => symbolLink(row.symbol) },
          { name: "quantity", title: "Shares", show: (row) => quantity(row.quantity) },
          { name: "price", title: "Price", show: (row) => money(row.price) },
          { name: "value", title: "Value", by: (row) => Math.abs(Number(row.value)), show: (row) => money(row.value) },
          { name: "weight", title: "Weight", unit: "%", tip: "of the equity", show: (row) => percent(row.weight, 2) },
          { name: "cost", title: "Cost", tip: "what was paid for what is still held", show: (row) => money(row.cost) },
          { name: "session_profit", title: "Day", show: (row) => change(row.session_profit) },
          { name: "unrealised", title: "Unrealised", show: (row) => change(row.unrealised) },
          { name: "realised", title: "Realised", tip: "by sales since the position was entered", show: (row) => change(row.realised) },
          { name: "entered", title: "Entered", kind: "text" },
        ],
      }).node);
    },
  });
}

function exposure() {
  return panel({
    title: "Exposure",
    note: "shares of the equity",
    topics: HELD,
    load: (signal) => get("portfolio/exposure", {}, { signal }),
    draw(body, found) {
      if (!found.n_positions) {
        body.append(emptyNotice("Nothing is held, so nothing is exposed"));
        return;
      }
      body.append(figures([
        { name: "Gross", value: percent(found.gross), note: "long and short together" },
        { name: "Net", value: percent(found.net, 1, { sign: true }), note: "long less short" },
        { name: "Cash", value: percent(found.cash) },
        { name: "Largest position", value: percent(found.largest) },
      ]));
      const rows = [["Long", found.long], ["Short", -Math.abs(found.short ?? 0)], ["Cash", found.cash]].filter(([, value]) => isKnown(value));
      for (const one of found.by_strategy || []) rows.push([`Net of ${one.strategy}`, one.net]);
      const tone = (name) => (name === "Cash" ? "plain" : null);
      body.append(h("h3", {}, "By part"), zeroBars(rows.map(([name, value]) => ({ name, value, text: percent(value, 1, { sign: true }), tone: tone(name) })), { caption: "Exposure by part", head: ["Part", "% of equity", "− 0 +"] }));
    },
  });
}

function risk() {
  return panel({
    title: "Risk",
    note: "of what is held now, by its symbols' past returns",
    topics: HELD,
    load: (signal) => get("portfolio/exposure", {}, { signal }),
    draw(body, { risk: found }, say) {
      if (!found || !isKnown(found.volatility_year)) {
        body.append(emptyNotice("There is no risk to show yet", "It needs positions whose symbols have a quarter of stored bars."));
        return;
      }
      say.note(`of what is held now, by its symbols' returns of the last ${found.sessions} sessions`);
      body.append(figures([
        { name: "Volatility", value: percent(found.volatility_year), note: "a year" },
        { name: "Value at risk", value: percent(found.value_at_risk_95, 2), note: "a session loses more in 5 of 100" },
        { name: "Expected shortfall", value: percent(found.expected_shortfall_95, 2), note: "mean of those 5" },
        { name: "Beta", value: number(found.beta), note: "to the mean of the universe" },
      ]));
      if (!found.contributions?.length) return;
      const sorted = [...found.contributions].sort((a, b) => Math.abs(b.share) - Math.abs(a.share)).slice(0, MOST_BARS);
      body.append(h("h3", {}, "Share of the variance"), zeroBars(sorted.map((one) => ({ name: one.symbol, value: one.share, text: percent(one.share), tone: one.share >= 0 ? "plain" : null })), { caption: "Share of the variance by symbol", head: ["Symbol", "%", "− 0 +"] }));
    },
  });
}

function attribution() {
  let dimension = null;
  return panel({
    title: "Attribution",
    note: "who or what made the profit of the backtest, after costs; parts of a kind sum to it",
    lines: 8,
    load: (signal) => all("portfolio/attribution", {}, { signal }),
    draw(body, { data, of }, say) {
      if (!data.length) {
        body.append(emptyNotice("Nothing is attributed yet", "“ats run” makes the books of the strategies (docs/strategies.md)."));
        return;
      }
      if (of) say.note(of);
      const kinds = [...new Set(data.map((row) => row.dimension))];
      dimension = kinds.includes(dimension) ? dimension : kinds[0];
      const where = h("div");
      const draw = () => {
        const rows = data.filter((row) => row.dimension === dimension).sort((a, b) => Math.abs(b.profit) - Math.abs(a.profit));
        const shown = rows.slice(0, MOST_BARS).map((row) => ({ name: words(row.part), value: row.profit, text: money(row.profit, { sign: true }), title: `before costs ${money(row.pnl)}, costs ${money(row.costs)}` }));
        where.replaceChildren(zeroBars(shown, { caption: `Profit by ${dimension}`, head: [words(dimension), "Profit", "− 0 +"] }), rows.length > MOST_BARS ? h("p", { class: "muted" }, `The ${MOST_BARS} largest of ${rows.length}.`) : "");
      };
      body.append(choices("By", kinds.map((kind) => [kind, words(kind)]), dimension, (kind) => { dimension = kind; draw(); }), where);
      draw();
    },
  });
}

function correlation() {
  return panel({
    title: "Correlation",
    note: "of daily returns of the largest positions; −1 is opposite, 1 together",
    lines: 8,
    topics: HELD,
    load: (signal) => get("portfolio/exposure", {}, { signal }),
    draw(body, { correlation: found }) {
      if (!found || found.symbols.length < 2) {
        body.append(emptyNotice("Two positions with stored bars are needed"));
        return;
      }
      body.append(heatMap(found.symbols, found.matrix, { caption: "Correlation of daily returns" }));
    },
  });
}

function equity() {
  return panel({
    title: "Equity",
    note: "settled, at each session's close",
    size: "whole",
    lines: 6,
    topics: ["account"],
    load: (signal) => all("portfolio/equity", {}, { signal }),
    draw: (body, { data }) => equityChart(body, data, { height: 200 }),
  });
}

export function show(root) {
  root.append(h("div", { class: "page-head" }, h("h1", {}, "Portfolio")));
  return panels(root, [holdings(), exposure(), risk(), attribution(), correlation(), equity()]);
}
