// Positions at the prices of now: quotes of what is held change value, day and unrealised profit, four times a second,
// which is as fast as numbers can be read.

import { all, get } from "../api.js";
import { onMessages } from "../live.js";

const RENEWED_MS = 250;
const MOST = 60; // symbols that are followed, the largest first

/** What is held, each with its profit of the newest settled session where that is known. */
export async function positionsWithDay(signal) {
  const [held, profit] = await Promise.all([all("portfolio/positions", {}, { signal }), get("portfolio/profit", {}, { signal }).catch(() => ({ data: [] }))]);
  const days = new Map(profit.data.map((row) => [row.symbol, row.profit]));
  return { ...held, data: held.data.map((row) => ({ ...row, session_profit: days.get(row.symbol) ?? null })) };
}

/** Follow the quotes of `rows` (as of portfolio/positions) and hand `changed(rows)` them with new values. Returns what ends it. */
export function livePositions(rows, changed) {
  const held = new Map(rows.map((row) => [row.symbol, { ...row, before: Number(row.value) }]));
  const largest = [...rows].sort((a, b) => Math.abs(b.value) - Math.abs(a.value)).slice(0, MOST);
  let asked = null;

  function tell() {
    asked = null;
    changed([...held.values()]);
  }

  function take(symbol, quote) {
    const price = (Number(quote.bid) + Number(quote.ask)) / 2;
    const row = held.get(symbol);
    const old = rows.find((one) => one.symbol === symbol);
    if (!(price > 0)) return;
    const value = price * Number(row.quantity) * Number(row.multiplier ?? 1);
    const more = value - row.before;
    const added = (name) => (old[name] === null || old[name] === undefined ? old[name] : Number(old[name]) + more);
    held.set(symbol, { ...row, price, value, session_profit: added("session_profit"), unrealised: added("unrealised") });
    asked ||= setTimeout(tell, RENEWED_MS);
  }

  const ends = largest.map(({ symbol }) => onMessages(`quotes:${symbol}`, (messages) => {
    const quote = messages.at(-1).set.at(-1);
    if (quote) take(symbol, quote);
  }));
  return () => {
    clearTimeout(asked);
    ends.forEach((end) => end());
  };
}
