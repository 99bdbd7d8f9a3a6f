// Charts over sessions, on TradingView's lightweight-charts: themed by the design tokens, with a legend that says the
// values under the pointer, and arrow keys that move along the chart.

import { AreaSeries, CandlestickSeries, ColorType, CrosshairMode, HistogramSeries, LineSeries, LineStyle, createChart, createSeriesMarkers } from "../vendor/lightweight-charts-5.2.1.js";
import { h } from "./dom.js";
import { onTheme, token } from "./theme.js";

const KINDS = { line: LineSeries, area: AreaSeries, histogram: HistogramSeries, candles: CandlestickSeries };

function clear(color, share) {
  return `color-mix(in srgb, ${color} ${Math.round(share * 100)}%, transparent)`;
}

/** lightweight-charts reads hexadecimal and rgb() colours alone. */
function faded(color, share) {
  const [r, g, b] = [1, 3, 5].map((i) => parseInt(color.slice(i, i + 2), 16));
  return color.startsWith("#") && color.length === 7 ? `rgba(${r}, ${g}, ${b}, ${share})` : clear(color, share);
}

function layout() {
  const [ink, line, grid] = [token("muted"), token("line"), token("grid")];
  return {
    layout: { background: { type: ColorType.Solid, color: token("panel") }, textColor: ink, fontFamily: getComputedStyle(document.body).fontFamily, fontSize: 11, attributionLogo: false },
    grid: { vertLines: { color: grid }, horzLines: { color: grid } },
    rightPriceScale: { borderColor: line },
    timeScale: { borderColor: line },
    crosshair: { mode: CrosshairMode.Magnet, vertLine: { color: ink, labelBackgroundColor: token("raised") }, horzLine: { color: ink, labelBackgroundColor: token("raised") } },
  };
}

function looks(one) {
  const tone = token(one.tone || "series-1");
  const plain = { priceLineVisible: false, lastValueVisible: one.lastValue ?? true, priceScaleId: one.scale || "right" };
  if (one.kind === "candles") {
    const [up, down] = [token("gain"), token("loss")];
    const hollow = token("panel"); // a rise is hollow and a fall is filled, so that shape tells them too
    return { ...plain, upColor: hollow, borderUpColor: up, wickUpColor: up, downColor: down, borderDownColor: down, wickDownColor: down };
  }
  if (one.kind === "area") return { ...plain, lineColor: tone, topColor: faded(tone, 0.22), bottomColor: faded(tone, 0.02), lineWidth: 2 };
  if (one.kind === "histogram") return { ...plain, color: faded(tone, 0.45) };
  return { ...plain, color: tone, lineWidth: one.thin ? 1 : 2, lineStyle: one.dashed ? LineStyle.Dashed : LineStyle.Solid };
}

/**
 * A chart over sessions.
 *
 * `series`: `{ name, kind: "line" | "area" | "histogram" | "candles", data, tone?, scale?, dashed?, thin?, show(point) }`;
 * `data` is in lightweight-charts' own form, `time` an ISO day or seconds; `show` is a point as text for the legend.
 * `label` says in a sentence what is to be seen. `markers`, of the first series: `{ time, side: "entry" | "exit",
 * long, text }`. Returns `{ node, series, range, newest, mark, close }`: `series[i].update(point)` adds or
 * changes the newest point, `range(from, to)` shows these points, counted from 0.
 */
export function sessionChart({ label, series, markers = [], height = 260, format = (value) => value.toFixed(2), logarithmic = false, times = false }) {
  const legend = h("div", { class: "legend" });
  const said = h("div", { class: "unseen", "aria-live": "polite" });
  const canvas = h("div", { class: "canvas", "aria-hidden": "true", style: { height: `${height}px` } });
  const node = h("figure", { class: "chart", tabindex: "0", role: "group", "aria-label": label }, legend, canvas, said);
  const chart = createChart(canvas, { autoSize: true, ...layout(), localization: { priceFormatter: format, locale: "en-US" }, handleScroll: { vertTouchDrag: false, mouseWheel: false }, handleScale: { mouseWheel: false } });
  chart.applyOptions({ rightPriceScale: { mode: logarithmic ? 1 : 0, scaleMargins: { top: 0.08, bottom: series.some((one) => one.scale) ? 0.24 : 0.08 } }, timeScale: { timeVisible: times, secondsVisible: false, rightOffset: 1, fixLeftEdge: true } });
  const lines = series.map((one) => {
    const made = chart.addSeries(KINDS[one.kind], looks(one));
    made.setData(one.data);
    if (one.scale) made.priceScale().applyOptions({ scaleMargins: { top: 0.82, bottom: 0 } });
    return made;
  });
  const marked = createSeriesMarkers(lines[0], []);
  let marks = markers;
  let at = series[0].data.length - 1;
  let wanted = null;
  let pointed = false;
  let closed = false; // what comes later, of a frame or of a lost focus, finds no chart any more
  const fresh = series.map((one) => one.data.at(-1));

  function mark(wantedMarks = marks) {
    marks = wantedMarks;
    marked.setMarkers(marks.map(({ time, side, long, text }) => ({ time, text, position: (side === "entry") === long ? "belowBar" : "aboveBar", shape: side === "exit" ? "square" : long ? "arrowUp" : "arrowDown", color: token(long ? "gain" : "loss"), size: 1 })));
  }

  function read(points, time) {
    const cells = series.map((one, i) => [h("span", { class: "key", style: { "--tone": `var(--${one.tone || "series-1"})` }, dataset: { kind: one.kind, dashed: one.dashed ? "yes" : null } }, one.name), h("b", {}, points[i] ? one.show(points[i]) : "–")]);
    legend.replaceChildren(h("span", { class: "when" }, typeof time === "number" ? new Date(time * 1000).toISOString().slice(0, 16).replace("T", " ") : String(time ?? "")), ...cells.map((pair) => h("span", {}, pair)));
  }

  function readNewest() {
    read(fresh, fresh[0]?.time);
  }

  chart.subscribeCrosshairMove((param) => {
    pointed = Boolean(param.time);
    if (pointed) read(lines.map((line) => param.seriesData.get(line)), param.time);
    else readNewest();
  });
  node.addEventListener("keydown", (event) => {
    const data = series[0].data;
    const next = { ArrowLeft: at - 1, ArrowRight: at + 1, Home: 0, End: data.length - 1 }[event.key];
    if (next === undefined || !data.length) return;
    event.preventDefault();
    at = Math.max(0, Math.min(data.length - 1, next));
    const point = data[at];
    chart.setCrosshairPosition(point.value ?? point.close, point.time, lines[0]);
    const points = series.map((one) => one.data.find((other) => other.time === point.time));
    read(points, point.time);
    said.textContent = legend.textContent;
  });
  node.addEventListener("blur", () => {
    if (closed) return;
    chart.clearCrosshairPosition();
    readNewest();
  });

  const stop = onTheme(() => {
    chart.applyOptions(layout());
    lines.forEach((line, i) => line.applyOptions(looks(series[i])));
    mark();
  });
  mark();
  readNewest();
  // The canvas has no width before it is on the page: all is fitted into it as soon as it has one, and again with each
  // other width until somebody moves the chart. The chart takes a width up in the next frame: what is fitted before that is lost.
  const fitted = () => !closed && (wanted ? chart.timeScale().setVisibleLogicalRange(wanted) : chart.timeScale().fitContent());
  const sized = new ResizeObserver(() => canvas.clientWidth && requestAnimationFrame(() => requestAnimationFrame(fitted)));
  sized.observe(canvas);
  canvas.addEventListener("pointerdown", () => sized.disconnect(), { once: true });
  function range(from, to) {
    wanted = { from, to };
    if (canvas.clientWidth) chart.timeScale().setVisibleLogicalRange(wanted);
  }

  /** A point that came after `data`: it is what the legend says while nobody points. */
  function newest(i, point) {
    fresh[i] = point;
    if (!pointed) readNewest();
  }

  return { node, series: lines, range, newest, mark, close() { closed = true; sized.disconnect(); stop(); chart.remove(); } };
}
