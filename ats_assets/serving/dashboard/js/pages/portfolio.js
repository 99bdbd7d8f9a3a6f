// The portfolio: what is held, what the session has made so far, how exposed and how risky that is, who made the profit, and what moves together.

import { all, get } from "../api.js";
import { figures, heatMap, zeroBars } from "../bars.js";
import { h, route, symbolLink } from "../dom.js";
import { change, isKnown, money, number, percent, price, quantity, words } from "../format.js";
import { panel, panels } from "../panel.js";
import { choices } from "../parts/choices.js";
import { equityChart } from "../parts/equity.js";
import { livePositions, positionsWithDay } from "../parts/live_positions.js";
import { sessionSoFar } from "../parts/session_so_far.js";
import { go } from "../router.js";
import { emptyNotice } from "../states.js";
import { table } from "../table.js";

const MOST_BARS = 15;
const HELD = ["positions", "fills"];

function holdings() {
  return panel({
    title: "Holdings",
    note: "values at the last known price; the day is the newest settled session",
    size: "whole",
    lines: 10,
    topics: HELD,
    load: positionsWithDay,
    draw(body, { data }) {
      const sum = (name) => data.reduce((total, row) => total + Number(row[name] ?? 0), 0);
      if (data.length) {
        body.append(figures([
          { name: "Positions", value: String(data.length) },
          { name: "Value", value: money(sum("value")) },
          { name: "Profit of the day", value: change(sum("session_profit")) },
          { name: "Unrealised", value: change(sum("unrealised")) },
        ]));
      }
      const made = table({
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
          { name: "price", title: "Price", show: (row) => price(row.price) },
          { name: "value", title: "Value", by: (row) => Math.abs(Number(row.value)), show: (row) => money(row.value) },
          { name: "weight", title: "Weight", unit: "%", tip: "of the equity", show: (row) => percent(row.weight, 2) },
          { name: "cost", title: "Cost", tip: "what was paid for what is still held", show: (row) => money(row.cost) },
          { name: "session_profit", title: "Day", show: (row) => change(row.session_profit) },
          { name: "unrealised", title: "Unrealised", show: (row) => change(row.unrealised) },
        ],
      });
      body.append(made.node);
      return livePositions(data, made.update);
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
      if (!found.positions) {
        body.append(emptyNotice("Nothing is held, so nothing is exposed"));
        return;
      }
      body.append(figures([
        { name: "Gross", value: percent(found.gross), note: "long and short together" },
        { name: "Net", value: percent(found.net, 1, { sign: true }), note: "long less short" },
        { name: "Cash", value: percent(found.cash_share) },
        { name: "Positions", value: String(found.positions), note: `as concentrated as ${number(found.effective_positions, 1)} equal ones` },
      ]));
      const bar = (name, value, tone = null) => ({ name, value, text: percent(value, 1, { sign: true }), tone });
      const parts = [bar("Long", found.long), bar("Short", found.short), bar("Cash", found.cash_share, "plain")].filter((one) => isKnown(one.value));
      const largest = found.largest.map((one) => bar(one.symbol, one.weight));
      body.append(zeroBars(parts, { caption: "Exposure by part", head: ["Part", "% of equity", "− 0 +"] }));
      body.append(h("h3", {}, "Largest positions"), zeroBars(largest, { caption: "Largest positions", head: ["Symbol", "% of equity", "− 0 +"] }));
    },
  });
}

function risk() {
  return panel({
    title: "Risk",
    note: "of today's weights, by their symbols' past returns",
    topics: HELD,
    load: (signal) => get("portfolio/risk", {}, { signal }),
    draw(body, found, say) {
      if (!isKnown(found.volatility_year)) {
        body.append(emptyNotice("There is no risk to show yet", "It needs positions whose symbols have a quarter of stored bars."));
        return;
      }
      say.note(`of today's weights, by their symbols' returns of ${found.sessions} sessions, ${found.first} to ${found.last}`);
      body.append(figures([
        { name: "Volatility", value: percent(found.volatility_year), note: "a year" },
        { name: "Value at risk", value: percent(found.value_at_risk_95, 2), note: "5 of 100 sessions are worse" },
        { name: "Expected shortfall", value: percent(found.expected_shortfall_95, 2), note: "mean of those 5" },
        { name: "Beta", value: number(found.beta), note: "to the mean of all symbols" },
      ]));
      if (!found.contributions?.length) return;
      const sorted = [...found.contributions].sort((a, b) => Math.abs(b.share) - Math.abs(a.share)).slice(0, MOST_BARS);
      body.append(h("h3", {}, "Share of the variance"), zeroBars(sorted.map((one) => ({ name: one.symbol, value: one.share, text: percent(one.share), tone: one.share >= 0 ? "plain" : null })), { caption: "Share of the variance by symbol", head: ["Symbol", "%", "− 0 +"] }));
    },
  });
}

const TIMES = [["session", "Session"], ["month", "Month"], ["year", "Year"], ["all", "All"]];
const PARTS = [["symbol", "Symbol"], ["side", "Side"], ["book", "Book"]];
const DAYS = { month: 30, year: 365 };

/** The first day of a time that ends with the newest session; null: as the service has it, that session alone. */
function firstDay(time, newest) {
  if (time === "session" || !newest) return null;
  if (time === "all") return "1970-01-01";
  return new Date(Date.parse(newest) - DAYS[time] * 86_400_000).toISOString().slice(0, 10);
}

function attribution() {
  let [by, time] = ["symbol", "session"];
  const made = panel({
    title: "Attribution",
    note: "who made the account's profit, its own costs included",
    lines: 8,
    topics: ["fills", "account"],
    tools: [choices("Time", TIMES, time, (one) => { time = one; made.renew(); }), choices("By", PARTS, by, (one) => { by = one; made.renew(); })],
    async load(signal) {
      const newest = (await get("portfolio/equity", {}, { signal })).data.at(-1)?.session;
      return get("portfolio/attribution", { by, from: firstDay(time, newest) }, { signal });
    },
    draw(body, found, say) {
      say.note(`${String(found.start).slice(0, 10)} to ${String(found.end).slice(0, 10)}, ${money(found.profit, { sign: true })} in all`);
      const known = found.data.filter((row) => isKnown(row.profit)).sort((a, b) => Math.abs(b.profit) - Math.abs(a.profit));
      const rows = known.slice(0, MOST_BARS).map((row) => ({ name: by === "symbol" ? row.part : words(row.part), value: Number(row.profit), text: money(row.profit, { sign: true }), title: `${percent(row.return, 2, { sign: true })} of the equity` }));
      if (!rows.length) body.append(emptyNotice("There is no profit to share out yet", "“ats trade” settles each session after its close."));
      else body.append(zeroBars(rows, { caption: `Profit by ${by}`, head: [words(by), "Profit", "− 0 +"] }));
      if (known.length > MOST_BARS) body.append(h("p", { class: "muted" }, `The ${MOST_BARS} largest of ${known.length}.`));
    },
  });
  return made;
}

function correlation() {
  return panel({
    title: "Correlation",
    note: "of daily returns of the largest positions; −1 is opposite, 1 together",
    lines: 8,
    topics: HELD,
    load: (signal) => get("portfolio/risk", {}, { signal }),
    draw(body, { correlation: found }) {
      if (found.symbols.length < 2) {
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
  return panels(root, [holdings(), sessionSoFar(), exposure(), risk(), attribution(), correlation(), equity()]);
}
