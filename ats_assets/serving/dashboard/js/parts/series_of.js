// Rows as what a chart takes: one line a group, points without a value left out.

import { isKnown, percent } from "../format.js";

const TONES = ["series-1", "series-3", "series-4", "series-2"];

/** How the i-th of several lines looks: four tones, then the same dashed. */
export function lineLook(i) {
  return { kind: "line", tone: TONES[i % TONES.length], dashed: i % (2 * TONES.length) >= TONES.length };
}

/** `rows` as points of a line, ascending: `time` is their column of sessions, `value(row)` what is drawn. */
export function points(rows, time, value) {
  const found = rows.map((row) => ({ time: row[time], value: value(row) })).filter((point) => point.time && isKnown(point.value) && Number.isFinite(point.value));
  return found.sort((a, b) => (a.time < b.time ? -1 : 1));
}

/** A point's value as a return. */
export function asReturn(point) {
  return isKnown(point?.value) ? percent(point.value, 2, { sign: true }) : "–";
}

/** Points of an equity as returns since the first. */
export function growth(data) {
  const first = data[0]?.value;
  return first ? data.map((point) => ({ time: point.time, value: point.value / first - 1 })) : [];
}

/** Points of an equity as what is lost since its highest. */
export function drawdown(data) {
  let highest = -Infinity;
  return data.map((point) => {
    highest = Math.max(highest, point.value);
    return { time: point.time, value: point.value / highest - 1 };
  });
}

/** The mean of the last `count` values at each point, from the tenth on (or the last, of fewer). */
export function rollingMean(data, count) {
  const least = Math.min(10, count);
  let sum = 0;
  return data.flatMap((point, i) => {
    sum += point.value - (i >= count ? data[i - count].value : 0);
    return i + 1 >= least ? [{ time: point.time, value: sum / Math.min(i + 1, count) }] : [];
  });
}

/** The sum up to each point. */
export function cumulated(data) {
  let sum = 0;
  return data.map((point) => ({ time: point.time, value: (sum += point.value) }));
}
