// The dashboard: equity, the day, what is held, the newest signals, and health, at a glance.

import { all, get } from "../api.js";
import { figures } from "../bars.js";
import { symbolLink, h, route } from "../dom.js";
import { change, isKnown, money, percent, quantity, words } from "../format.js";
import { panel, panels } from "../panel.js";
import { equityChart } from "../parts/equity.js";
import { healthList } from "../parts/health.js";
import { livePositions, positionsWithDay } from "../parts/live_positions.js";
import { bySignal, probabilityOf } from "../parts/signal_cells.js";
import { emptyNotice, notice } from "../states.js";
import { table } from "../table.js";

const NEWEST = 12;

/** The account of now, with what the newest settled session has brought. */
async function accountAndDay(signal) {
  const [found, history] = await Promise.all([get("portfolio/account", {}, { signal }), get("portfolio/equity", {}, { signal })]);
  return { ...found, day: history.data.filter((row) => row.session).at(-1) };
}

/** Why no order is sent, if none is. */
function stopped(found) {
  const reasons = [
    found.kill_switch ? ["The kill switch is on: no order is sent", found.kill_switch, "Remove its file when the cause is gone."] : null,
    found.halted ? ["Trading is halted: no order is sent", found.halted, "Find the cause, then “ats orders resume”."] : null,
    found.trading_blocked ? ["The broker has blocked the account", "", "Ask the broker."] : null,
  ];
  return reasons.filter(Boolean).map(([title, why, whatToDo]) => notice("error", title, { detail: typeof why === "string" ? why : why.reason || "", whatToDo }));
}

function account() {
  return panel({
    title: "Account",
    size: "whole",
    hideTitle: true,
    lines: 2,
    topics: ["account", "positions", "fills"],
    load: accountAndDay,
    draw(body, found) {
      const { day } = found;
      body.append(...stopped(found));
      body.append(figures([
        { name: "Equity", value: money(found.equity), note: found.session ? `close of ${found.session}` : "now" },
        { name: "Profit of the day", value: change(day?.profit), note: isKnown(day?.return) ? `${percent(day.return, 2, { sign: true })} in the session ${day.session}` : "no session is settled yet" },
        { name: "Cash", value: money(found.cash), note: `${percent(Number(found.cash) / Number(found.equity))} of the equity` },
        { name: "Buying power", value: money(found.buying_power) },
        { name: "Broker", value: words(found.broker), note: found.account_id },
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
    draw: (body, found) => healthList(body, found),
  });
}

function positions() {
  return panel({
    title: "Positions",
    note: "largest first",
    topics: ["positions", "fills"],
    tools: [h("a", { href: route("portfolio") }, "Portfolio")],
    load: positionsWithDay,
    draw(body, { data }) {
      const made = table({
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
      return livePositions(data, made.update);
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
