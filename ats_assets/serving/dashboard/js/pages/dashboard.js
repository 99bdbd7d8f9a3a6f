// The dashboard: equity, the day, what is held, the newest signals, and health, at a glance.

import { all, get } from "../api.js";
import { figures } from "../bars.js";
import { symbolLink, h, route } from "../dom.js";
import { change, isKnown, money, percent, quantity, shortMoney, words } from "../format.js";
import { panel, panels } from "../panel.js";
import { equityChart } from "../parts/equity.js";
import { healthList } from "../parts/health.js";
import { bySignal, probabilityOf } from "../parts/signal_cells.js";
import { emptyNotice, notice } from "../states.js";
import { table } from "../table.js";

const NEWEST = 12;

function ratio(part, whole) {
  return isKnown(part) && Number(whole) ? Number(part) / Number(whole) : null;
}

function account() {
  return panel({
    title: "Account",
    size: "whole",
    hideTitle: true,
    lines: 2,
    topics: ["account", "positions", "fills"],
    load: (signal) => get("portfolio/account", {}, { signal }),
    draw(body, found) {
      if (found.halted || found.kill) body.append(notice("error", found.kill ? "The kill switch is on: no order is sent" : `Trading is halted: ${found.halted}`, { whatToDo: "Find the cause, then “ats orders resume”." }));
      if (!isKnown(found.equity)) {
        body.append(emptyNotice("Nothing has been traded yet", "“ats trade” plans the newest session's orders and sends them to the paper broker."));
        return;
      }
      const before = Number(found.equity) - Number(found.day_profit || 0);
      const day = ratio(found.day_profit, before);
      body.append(figures([
        { name: `Equity, ${found.currency || "USD"}`, value: money(found.equity), note: found.session ? `close of ${found.session}` : "now" },
        { name: "Profit of the day", value: change(found.day_profit), note: isKnown(day) ? `${percent(day, 2, { sign: true })} of ${shortMoney(before)}` : "since the last stored close" },
        { name: "Cash", value: money(found.cash), note: percent(ratio(found.cash, found.equity)) + " of equity" },
        { name: "Buying power", value: money(found.buying_power) },
        { name: "Broker", value: words(found.broker), note: found.account === "live" ? "live money" : "paper account" },
      ]));
    },
  });
}

function equity() {
  return panel({
    title: "Equity",
    note: "settled, at each session's close",
    size: "two-thirds",
    lines: 8,
    topics: ["account"],
    load: (signal) => all("portfolio/equity", {}, { signal }),
    draw: (body, { data }) => equityChart(body, data),
  });
}

function health() {
  return panel({
    title: "Health",
    size: "third",
    lines: 6,
    every: 15,
    topics: ["alerts"],
    load: (signal) => get("status", {}, { signal }),
    draw: (body, { data }) => healthList(body, data),
  });
}

function positions() {
  let made = null;
  return panel({
    title: "Positions",
    note: "largest first",
    topics: ["positions", "fills"],
    tools: [h("a", { href: route("portfolio") }, "Portfolio")],
    load: (signal) => all("portfolio/positions", {}, { signal }),
    draw(body, { data }) {
      made = table({
        caption: "Positions",
        key: "symbol",
        sort: "value",
        down: true,
        height: "372px",
        rows: data,
        empty: emptyNotice("Nothing is held", "Positions appear with the first fill."),
        open: (row) => { location.hash = route("symbol", [row.symbol]); },
        columns: [
          { name: "symbol", title: "Symbol", kind: "text", heading: true, show: (row) => symbolLink(row.symbol) },
          { name: "quantity", title: "Shares", wideOnly: true, show: (row) => quantity(row.quantity) },
          { name: "value", title: "Value", by: (row) => Math.abs(Number(row.value)), show: (row) => money(row.value) },
          { name: "weight", title: "Weight", unit: "%", show: (row) => percent(row.weight) },
          { name: "session_profit", title: "Day", show: (row) => change(row.session_profit) },
          { name: "unrealised", title: "Unrealised", show: (row) => change(row.unrealised) },
        ],
      });
      body.append(made.node);
    },
  });
}

function signals() {
  return panel({
    title: "Newest signals",
    topics: ["signals"],
    tools: [h("a", { href: route("signals") }, "All signals")],
    load: (signal) => all("signals", {}, { signal }),
    draw(body, { data, session }, say) {
      say.note(session ? `decided at the close of ${session}, for the next open` : "");
      const wanted = data.filter((row) => row.signal_weight).sort(bySignal).slice(0, NEWEST);
      body.append(table({
        caption: "Newest signals",
        height: "372px",
        rows: wanted,
        empty: emptyNotice("No signals are stored yet", "“ats run” makes them."),
        open: (row) => { location.hash = route("symbol", [row.symbol]); },
        columns: [
          { name: "symbol", title: "Symbol", kind: "text", heading: true, show: (row) => symbolLink(row.symbol) },
          { name: "strategy", title: "Strategy", kind: "text", wideOnly: true },
          { name: "signal_weight", title: "Weight", unit: "%", tip: "what the strategy wants, of its capital", show: (row) => change(row.signal_weight, percent(row.signal_weight, 1, { sign: true })) },
          { name: "probability", title: "Probability", unit: "%", tip: "that it beats the median of its session", show: probabilityOf },
          { name: "target_weight", title: "Target", unit: "%", tip: "of the equity, after all strategies and risk rules", show: (row) => percent(row.target_weight, 2) },
        ],
      }).node);
    },
  });
}

export function show(root) {
  root.append(h("h1", { class: "unseen" }, "Dashboard"));
  return panels(root, [account(), equity(), health(), positions(), signals()]);
}
