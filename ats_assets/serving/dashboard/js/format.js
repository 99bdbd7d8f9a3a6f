// Numbers, money and times as text. What is not known is a dash; exact decimals come as strings and are shown to the digit.

import { h } from "./dom.js";

export const DASH = "–";
const MINUS = "−";
const formats = new Map();

function formatter(options) {
  const key = JSON.stringify(options);
  if (!formats.has(key)) formats.set(key, new Intl.NumberFormat("en-US", options));
  return formats.get(key);
}

export function isKnown(value) {
  return value !== null && value !== undefined && value !== "" && !Number.isNaN(value);
}

/** A number, or an exact decimal as a string, with a fixed count of decimals and groups of thousands. */
export function number(value, decimals = 2, { sign = false } = {}) {
  if (!isKnown(value)) return DASH;
  const options = { minimumFractionDigits: decimals, maximumFractionDigits: decimals, signDisplay: sign ? "exceptZero" : "negative" };
  return formatter(options).format(value).replace("-", MINUS);
}

/** A quantity: as many decimals as it has, nine at most. */
export function quantity(value) {
  return isKnown(value) ? formatter({ maximumFractionDigits: 9 }).format(value).replace("-", MINUS) : DASH;
}

/** A price: cents, and up to four decimals where there are some. */
export function price(value) {
  return isKnown(value) ? formatter({ minimumFractionDigits: 2, maximumFractionDigits: 4 }).format(value).replace("-", MINUS) : DASH;
}

/** A share as per cent: 0.12 is 12.0%. */
export function percent(value, decimals = 1, options = {}) {
  return isKnown(value) ? `${number(Number(value) * 100, decimals, options)}%` : DASH;
}

export function money(value, options = {}) {
  return number(value, 2, options);
}

/** Money where cents say nothing: 1,234,567 is 1.23M. */
export function shortMoney(value) {
  if (!isKnown(value)) return DASH;
  return formatter({ notation: "compact", minimumFractionDigits: 2, maximumFractionDigits: 2 }).format(value).replace("-", MINUS);
}

/** 2026-11-29T14:30:05.12Z as 2026-11-29 14:30:05. */
export function time(value) {
  return isKnown(value) ? String(value).replace("T", " ").replace(/(\.\d+)?(Z|\+00:00)?$/, "") : DASH;
}

/** Only the clock of it. */
export function clock(value) {
  return isKnown(value) ? time(value).slice(11) : DASH;
}

/** How long ago, in the largest unit that says something. */
export function ago(value, now = Date.now()) {
  if (!isKnown(value)) return DASH;
  const seconds = Math.max(0, (now - Date.parse(value)) / 1000);
  if (Number.isNaN(seconds)) return DASH;
  for (const [unit, length] of [["d", 86400], ["h", 3600], ["min", 60]]) if (seconds >= length) return `${Math.floor(seconds / length)} ${unit} ago`;
  return `${Math.floor(seconds)} s ago`;
}

/** snake_case as words: value_at_risk is Value at risk. */
export function words(name) {
  if (!isKnown(name)) return DASH;
  const text = String(name).replaceAll("_", " ");
  return text.charAt(0).toUpperCase() + text.slice(1);
}

function tone(value) {
  const size = Number(value);
  return size > 0 ? "gain" : size < 0 ? "loss" : "even";
}

/** A gain or a loss: told by sign, by shape and by colour. `text` is what is shown, by default money with its sign. */
export function change(value, text = money(value, { sign: true })) {
  if (!isKnown(value)) return h("span", { class: "even" }, DASH);
  return h("span", { class: tone(value) }, text);
}

/** Long or short, or buy or sell: told by the word and by shape. */
export function direction(word) {
  if (!isKnown(word)) return DASH;
  const up = word === "long" || word === "buy";
  const down = word === "short" || word === "sell";
  return h("span", { class: up ? "gain" : down ? "loss" : "even" }, words(word));
}
