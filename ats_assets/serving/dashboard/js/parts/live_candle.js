// The newest candle moves with the quotes and bars that the stream tells, at most once a frame.

import { onMessages } from "../live.js";

/** The candle of a minute or a quote added to the one that is there. */
function grown(candle, { price, high = price, low = price }) {
  return { ...candle, high: Math.max(candle.high, high), low: Math.min(candle.low, low), close: price };
}

/** Follow a symbol; `made` is of `sessionChart`, `data` its candles. Returns what ends it. */
export function liveCandle(symbol, made, data) {
  let candle = null;

  function take(price, day, high, low) {
    if (!Number.isFinite(price) || !day || day < data.at(-1).time) return;
    const start = candle?.time === day ? candle : data.at(-1).time === day ? data.at(-1) : { time: day, open: price, high: price, low: price, close: price };
    candle = grown(start, { price, high, low });
    made.series[0].update(candle);
    made.newest(0, candle);
  }

  const ends = [
    onMessages(`quotes:${symbol}`, (messages) => {
      for (const { set } of messages) for (const row of set) take((Number(row.bid) + Number(row.ask)) / 2, String(row.at).slice(0, 10));
    }),
    onMessages(`bars:${symbol}`, (messages) => {
      for (const { set } of messages) for (const row of set) take(Number(row.close), String(row.starts_at).slice(0, 10), Number(row.high), Number(row.low));
    }),
  ];
  return () => ends.forEach((end) => end());
}
