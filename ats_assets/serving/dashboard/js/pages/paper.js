// Paper trading: asking for orders and cancelling them, what became of each, fills, and how well they were executed.

import { all, get, personKnown, whoLooks } from "../api.js";
import { figures } from "../bars.js";
import { h, symbolLink } from "../dom.js";
import { direction, isKnown, money, number, percent, price, quantity, time, words } from "../format.js";
import { panel, panels } from "../panel.js";
import { choices } from "../parts/choices.js";
import { haltControls } from "../parts/halt_controls.js";
import { showOrderLineage } from "../parts/order_lineage.js";
import { cancelOrder, orderTicket, whyNot } from "../parts/order_ticket.js";
import { emptyNotice } from "../states.js";
import { table } from "../table.js";

const OPEN = new Set(["planned", "working", "sending", "accepted", "partially_filled", "unknown"]);
const MOST = 2000;

function ticket(query, told, renewed) {
  const reason = whyNot();
  const form = reason || orderTicket({ symbol: query.symbol, done: renewed });
  const made = panel({
    title: "New paper order",
    note: "a request in the trade state; the executor sends it, this service can't",
    size: "whole",
    topics: ["halts", "requests"],
    load: (signal) => get("portfolio/account", {}, { signal }).catch(() => null), // nothing was traded yet: nothing is halted
    draw(body, account) {
      const controls = haltControls(account, told, () => { renewed(); made.renew(); });
      body.append(form, ...controls.map((one) => h("div", { class: "halts" }, one)));
    },
  });
  return made;
}

/** What has become of the order of a request. */
function orderTold(order) {
  if (!order) return "–";
  const filled = Number(order.filled_quantity) > 0 ? ` ${quantity(order.filled_quantity)} at ${price(order.filled_average_price)}` : "";
  return `${words(order.state)}${filled}`;
}

function requests() {
  return panel({
    title: "Requests",
    note: "what people asked for, newest first",
    size: "whole",
    topics: ["requests", "orders"],
    load: (signal) => all("requests", {}, { signal, most: 200 }),
    draw(body, { data }) {
      body.append(table({
        caption: "Requests",
        height: "300px",
        rows: data,
        empty: emptyNotice("Nothing has been asked for yet", "Orders asked for here or by the bots, halts and promotions are listed here."),
        columns: [
          { name: "asked_at", title: "Asked", unit: "UTC", kind: "text", heading: true, show: (row) => time(row.asked_at) },
          { name: "kind", title: "What", kind: "text", show: (row) => words(row.kind) },
          { name: "body", title: "Of what", kind: "text", by: (row) => row.body?.symbol || row.body?.client_order_id, show: (row) => [row.body?.side, row.body?.quantity, row.body?.symbol || row.body?.client_order_id || row.body?.reason].filter(Boolean).join(" ") },
          { name: "state", title: "State", kind: "text", show: (row) => words(row.state) },
          { name: "order", title: "Its order", kind: "text", by: (row) => row.order?.state, show: (row) => orderTold(row.order) },
          { name: "lineage", title: "Lineage", kind: "text", by: () => null, show: (row) => (row.order ? h("button", { type: "button", class: "small", "aria-label": `Explain the order of ${row.id}`, onclick: () => showOrderLineage(row) }, "Explain") : "") },
          { name: "reason", title: "Why", kind: "wide" },
          { name: "asked_by", title: "By", kind: "text", show: (row) => row.on_behalf_of || row.asked_by },
        ],
      }).node);
    },
  });
}

function orders(told) {
  let only = "open";
  const made = panel({
    title: "Orders",
    note: "newest first",
    size: "whole",
    lines: 8,
    topics: ["orders"],
    tools: [choices("Which orders", [["open", "Open"], ["all", "All"]], only, (value) => { only = value; made.renew(); })],
    load: (signal) => all("portfolio/orders", {}, { signal, most: MOST }),
    draw(body, { data }) {
      const may = !whyNot();
      const shown = only === "all" ? data : data.filter((row) => OPEN.has(row.state));
      const open = data.filter((row) => OPEN.has(row.state)).length;
      body.append(table({
        caption: "Orders",
        filter: shown.length > 12,
        height: "420px",
        rows: shown,
        empty: emptyNotice(only === "open" ? `No order is open; ${data.length} are through` : "No order has been sent yet", only === "open" ? "Choose “All” to see them." : "“ats trade” plans and sends the newest session's."),
        columns: [
          { name: "symbol", title: "Symbol", kind: "text", heading: true, show: (row) => symbolLink(row.symbol) },
          { name: "side", title: "Side", kind: "text", show: (row) => direction(row.side) },
          { name: "quantity", title: "Shares", show: (row) => quantity(row.quantity) },
          { name: "filled_quantity", title: "Filled", show: (row) => quantity(row.filled_quantity) },
          { name: "state", title: "State", kind: "text", show: (row) => words(row.state) },
          may && open && { name: "cancel", title: "Cancel", kind: "text", by: () => null, show: (row) => (OPEN.has(row.state) ? h("button", { type: "button", class: "small", "aria-label": `Cancel ${row.client_order_id}`, onclick: () => cancelOrder(row, told, made.renew) }, "Cancel") : "") },
          { name: "filled_average_price", title: "Average price", show: (row) => price(row.filled_average_price) },
          { name: "kind", title: "Kind", kind: "text", show: (row) => (isKnown(row.limit_price) ? `${words(row.kind)} ${price(row.limit_price)}` : words(row.kind)) },
          { name: "reason", title: "Why", kind: "wide" },
          { name: "updated_at", title: "Changed", unit: "UTC", kind: "text", show: (row) => time(row.updated_at) },
          { name: "client_order_id", title: "Order", kind: "text", show: (row) => h("code", {}, row.client_order_id) },
        ].filter(Boolean),
      }).node);
    },
  });
  return made;
}

function fills() {
  return panel({
    title: "Fills",
    note: "newest first",
    topics: ["fills"],
    load: (signal) => all("portfolio/fills", {}, { signal, most: MOST }),
    draw(body, { data }) {
      body.append(table({
        caption: "Fills",
        height: "420px",
        rows: data,
        empty: emptyNotice("Nothing has been filled yet", "The paper broker fills when the next session's bars are stored."),
        columns: [
          { name: "at", title: "Time", unit: "UTC", kind: "text", heading: true, show: (row) => time(row.at) },
          { name: "symbol", title: "Symbol", kind: "text", show: (row) => symbolLink(row.symbol) },
          { name: "side", title: "Side", kind: "text", show: (row) => direction(row.side) },
          { name: "quantity", title: "Shares", show: (row) => quantity(row.quantity) },
          { name: "price", title: "Price", show: (row) => price(row.price) },
          { name: "fees", title: "Fees", show: (row) => money(row.fees) },
        ],
      }).node);
    },
  });
}

function mean(rows, name, weight) {
  const known = rows.filter((row) => isKnown(row[name]) && Number(row[weight]) > 0);
  const total = known.reduce((sum, row) => sum + Number(row[weight]), 0);
  return total ? known.reduce((sum, row) => sum + Number(row[name]) * Number(row[weight]), 0) / total : null;
}

function execution() {
  const cost = (value) => (isKnown(value) ? h("span", { class: value > 0 ? "loss" : "gain" }, number(value, 1, { sign: true })) : "–");
  return panel({
    title: "Execution quality",
    note: "basis points; above zero it cost more than the reference",
    topics: ["fills"],
    load: (signal) => all("execution", {}, { signal, most: MOST }),
    draw(body, { data, session }, say) {
      if (session) say.note(`of ${session}, in basis points; above zero it cost more than the reference`);
      if (!data.length) {
        body.append(emptyNotice("No session has been settled yet", "“ats trade” judges each session's fills after its close."));
        return;
      }
      const worth = data.map((row) => ({ ...row, traded: Number(row.filled) * Number(row.average_price ?? 0) }));
      body.append(figures([
        { name: "Against decision", value: cost(mean(worth, "slippage_decision_bps", "traded")), note: "bps, the close before, by value" },
        { name: "Against arrival", value: cost(mean(worth, "slippage_arrival_bps", "traded")), note: "bps, the market at the order" },
        { name: "Against VWAP", value: cost(mean(worth, "slippage_vwap_bps", "traded")), note: "bps, the session's mean price" },
        { name: "Filled", value: percent(mean(data, "fill_rate", "ordered")), note: "of the shares ordered" },
      ]));
      body.append(table({
        caption: "Execution quality by order",
        height: "330px",
        rows: data,
        columns: [
          { name: "symbol", title: "Symbol", kind: "text", heading: true, show: (row) => symbolLink(row.symbol) },
          { name: "side", title: "Side", kind: "text", wideOnly: true, show: (row) => direction(row.side) },
          { name: "fill_rate", title: "Filled", unit: "%", show: (row) => percent(row.fill_rate, 0) },
          { name: "slippage_decision_bps", title: "Decision", unit: "bps", show: (row) => cost(row.slippage_decision_bps) },
          { name: "slippage_arrival_bps", title: "Arrival", unit: "bps", show: (row) => cost(row.slippage_arrival_bps) },
          { name: "fees", title: "Fees", show: (row) => money(row.fees) },
        ],
      }).node);
    },
  });
}

export async function show(root, { query }) {
  await personKnown();
  const told = h("div", { role: "status" });
  root.append(h("div", { class: "page-head" }, h("h1", {}, "Paper trading"), h("span", { class: "muted" }, whoLooks()?.name ? `as ${whoLooks().name}` : "")), told);
  const [listed, asked] = [orders(told), requests()];
  const renewed = () => { listed.renew(); asked.renew(); };
  return panels(root, [ticket(query, told, renewed), listed, asked, fills(), execution()]);
}
