// A symbol: its candles with entries and exits, its signals over time, why its score is what it is, and where each
// figure comes from, down to the vendor's delivery.

import { all, get } from "../api.js";
import { sessionChart } from "../chart.js";
import { h, route, symbolLink } from "../dom.js";
import { change, direction, isKnown, number, percent, price, quantity, shortMoney, time } from "../format.js";
import { onMessages } from "../live.js";
import { panel, panels } from "../panel.js";
import { choices } from "../parts/choices.js";
import { featureTable, scoreSum } from "../parts/explained.js";
import { lineageTree } from "../parts/lineage.js";
import { liveCandle } from "../parts/live_candle.js";
import { intervalOf, probabilityOf, reasonsOf } from "../parts/signal_cells.js";
import { go } from "../router.js";
import { emptyNotice, notice } from "../states.js";
import { table } from "../table.js";

const MARKED = 200;
const HISTORY = 63; // sessions of signals

/** Fills as marks: what opens or enlarges a position is an entry, what reduces one an exit. */
function marksOf(fills, days) {
  const sorted = [...fills].sort((a, b) => (a.at < b.at ? -1 : a.at > b.at ? 1 : 0));
  let held = 0;
  const marks = sorted.map((fill) => {
    const signed = (fill.side === "buy" ? 1 : -1) * Number(fill.quantity);
    const enters = held === 0 || Math.sign(held) === Math.sign(signed);
    const long = enters ? signed > 0 : held > 0;
    held += signed;
    if (Math.abs(held) < 1e-9) held = 0;
    return { time: fill.session, side: enters ? "entry" : "exit", long, text: "" };
  });
  return marks.filter((mark) => days.has(mark.time)).slice(-MARKED);
}

function candlesOf(bars) {
  const known = bars.filter((bar) => isKnown(bar.close)).sort((a, b) => (a.session < b.session ? -1 : 1));
  return known.map((bar) => ({ time: bar.session, open: bar.open, high: bar.high, low: bar.low, close: bar.close }));
}

function candles(symbol) {
  let end = null;
  let shown = 126; // sessions
  let of = "traded";
  return panel({
    title: "Price",
    note: "each session's bar as traded; hollow rises, filled falls; arrows are entries, squares exits",
    size: "whole",
    lines: 10,
    topics: ["fills"],
    load: (signal) => all(`bars/${encodeURIComponent(symbol)}`, {}, { signal }),
    draw(body, bars) {
      end?.();
      const data = candlesOf(bars.data);
      if (!data.length) {
        body.append(emptyNotice(`No bars of ${symbol} are stored`, "Is it another symbol? Press / to find one."));
        return null;
      }
      const days = new Set(data.map((bar) => bar.time));
      const trades = bars.trades.filter((row) => row.of === of);
      const volume = bars.data.filter((bar) => isKnown(bar.volume)).map((bar) => ({ time: bar.session, value: bar.volume })).sort((a, b) => (a.time < b.time ? -1 : 1));
      const last = data.at(-1);
      const ohlc = (bar) => (isKnown(bar.close) ? `open ${number(bar.open)}, high ${number(bar.high)}, low ${number(bar.low)}, close ${number(bar.close)}` : "–");
      const made = sessionChart({
        label: `${symbol}, ${data.length} sessions from ${data[0].time} to ${last.time}, last close ${number(last.close)}`,
        height: 380,
        markers: marksOf(trades, days),
        series: [
          { name: symbol, kind: "candles", data, show: ohlc },
          { name: "Volume", kind: "histogram", tone: "series-2", scale: "volume", lastValue: false, data: volume, show: (point) => shortMoney(point.value) },
        ],
      });
      const range = (count) => { shown = count; made.range(count ? Math.max(0, data.length - count) : 0, data.length); };
      const sources = choices("Entries and exits", [["traded", "Account's trades"], ["backtest", "Backtest's"]], of, (one) => { of = one; made.mark(marksOf(bars.trades.filter((row) => row.of === of), days)); });
      const ranges = choices("Range", [[21, "1 m"], [63, "3 m"], [126, "6 m"], [252, "1 y"], [0, "All"]], shown, range);
      range(shown);
      body.append(h("div", { class: "controls" }, ranges, sources), made.node);
      const live = liveCandle(symbol, made, data);
      end = () => { live(); made.close(); };
      return () => { end?.(); end = null; };
    },
  });
}

function newest(symbol, query, onSession) {
  return panel({
    title: "Signals",
    note: "of a quarter, newest first; Enter or a click explains one below",
    size: "two-thirds",
    topics: ["signals"],
    load: (signal) => get(`signals/${encodeURIComponent(symbol)}`, { limit: HISTORY }, { signal }),
    draw(body, { data }) {
      const largest = Math.max(0.001, ...data.flatMap((row) => [Math.abs(row.lower ?? 0), Math.abs(row.upper ?? 0)]));
      const has = (name) => data.some((row) => isKnown(row[name]));
      const several = new Set(data.map((row) => row.strategy)).size > 1;
      body.append(table({
        caption: `Signals of ${symbol}`,
        height: "420px",
        rows: [...data].sort((a, b) => (a.session < b.session ? 1 : -1)),
        open: (row) => onSession(row.session),
        empty: emptyNotice(`${symbol} has no signals`, "It may not be in the universe of any stored session."),
        columns: [
          { name: "session", title: "Session", kind: "text", heading: true, show: (row) => h("a", { href: route("symbol", [symbol], { session: row.session }), "aria-current": row.session === query.session ? "true" : null }, row.session) },
          several && { name: "strategy", title: "Strategy", kind: "text" },
          { name: "direction", title: "Direction", kind: "text", wideOnly: true, show: (row) => direction(row.direction) },
          { name: "score", title: "Score", show: (row) => number(row.score, 4, { sign: true }) },
          has("probability") && { name: "probability", title: "Probability", unit: "%", show: probabilityOf },
          { name: "signal_weight", title: "Strategy wants", unit: "%", show: (row) => change(row.signal_weight, percent(row.signal_weight, 1, { sign: true })) },
          { name: "target_weight", title: "Target", unit: "%", wideOnly: true, show: (row) => percent(row.target_weight, 2) },
          has("lower") && { name: "lower", title: "Return, interval", wideOnly: true, show: (row) => intervalOf(row, largest) },
          data.some((row) => row.reasons?.length) && { name: "reasons", title: "Risk rules", kind: "wide", wideOnly: true, by: (row) => (row.reasons || []).join(" "), show: (row) => reasonsOf(row.reasons) },
        ].filter(Boolean),
      }).node);
    },
  });
}

function trades(symbol) {
  return panel({
    title: "Fills",
    note: "of this symbol, newest first",
    size: "third",
    topics: ["fills"],
    load: (signal) => all("portfolio/fills", { symbol }, { signal, most: 1000 }),
    draw(body, { data }) {
      body.append(table({
        caption: `Fills of ${symbol}`,
        height: "420px",
        rows: data,
        sort: "at",
        down: true,
        empty: emptyNotice(`${symbol} has not been traded`),
        columns: [
          { name: "at", title: "Time", unit: "UTC", kind: "text", show: (row) => time(row.at).slice(0, 16) },
          { name: "side", title: "Side", kind: "text", show: (row) => direction(row.side) },
          { name: "quantity", title: "Shares", show: (row) => quantity(row.quantity) },
          { name: "price", title: "Price", show: (row) => price(row.price) },
        ],
      }).node);
    },
  });
}

/** One question, three panels: why is the score what it is, of which features, and made from what. */
function explained(symbol, query) {
  let asked = null;
  const load = async () => {
    asked ||= (async () => {
      const session = query.session || (await get(`signals/${encodeURIComponent(symbol)}`, { limit: 1 })).data[0]?.session;
      return session ? get(`lineage/${encodeURIComponent(symbol)}/${session}`) : null;
    })();
    try {
      return await asked;
    } catch (error) {
      asked = null;
      throw error;
    }
  };
  const none = (body) => body.append(emptyNotice("There is no signal to explain", "Choose a session above."));
  const told = (found) => `signal of ${found.session}`;
  return [
    panel({ title: "Why this score", load, lines: 8, draw(body, found, say) { if (!found) return none(body); say.note(told(found)); return scoreSum(body, found.score); } }),
    panel({ title: "Features", load, lines: 8, draw(body, found, say) { if (!found) return none(body); say.note(`${told(found)}; as the model read them`); return featureTable(body, found.score); } }),
    panel({ title: "Lineage", size: "whole", load, lines: 6, draw(body, found, say) { if (!found) return none(body); say.note(`${told(found)}, down to the vendor's delivery; each line opens`); body.append(lineageTree(found)); return null; } }),
  ];
}

/** Whether there is anything to show of a symbol; if not, the page says so once, not in each of its parts. */
async function missing(symbol) {
  try {
    await get(`bars/${encodeURIComponent(symbol)}`, { limit: 1 });
  } catch (error) {
    if (error.kind === "missing") return error;
  }
  return null; // other trouble is told by the parts themselves
}

export async function show(root, { parts, query }) {
  const symbol = parts[0];
  if (!symbol) {
    root.append(h("h1", {}, "Symbol"), notice("empty", "No symbol is chosen", { whatToDo: "Press / and write some of its letters." }));
    return null;
  }
  const unknown = await missing(symbol);
  if (unknown) {
    root.append(h("h1", {}, symbol), notice("empty", `No bars of ${symbol} are stored`, { whatToDo: "Press / to find another symbol; “ats sources inspect” shows what the source has." }));
    return null;
  }
  const quote = h("span", { class: "quote" });
  const stop = onMessages(`quotes:${symbol}`, (messages) => {
    const row = messages.at(-1).set.at(-1);
    if (row) quote.replaceChildren(`bid ${number(row.bid)}, ask ${number(row.ask)}`, h("span", { class: "muted" }, ` ${time(row.at).slice(11, 19)}`));
  });
  root.append(h("div", { class: "page-head" }, h("h1", {}, symbolLink(symbol)), quote, h("div", { class: "tools" }, h("a", { href: route("paper", [], { symbol }) }, "Trade on paper"))));
  const close = panels(root, [candles(symbol), newest(symbol, query, (session) => go(route("symbol", [symbol], { session }))), trades(symbol), ...explained(symbol, query)]);
  return () => { stop(); close(); };
}
