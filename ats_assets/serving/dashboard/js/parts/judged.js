// What judges a backtest beside its figures: regimes, both kinds of knowledge, Monte Carlo, cross-validation.

import { sessionChart } from "../chart.js";
import { h } from "../dom.js";
import { isKnown, money, number, percent, words } from "../format.js";
import { analysisPanel, grouped } from "./analysis.js";
import { choices } from "./choices.js";
import { fan } from "./fan.js";
import { lineLook, points } from "./series_of.js";
import { figures } from "../bars.js";
import { table } from "../table.js";

const share = (value) => percent(value, 1, { sign: true });

function byRegime(rows) {
  return table({
    caption: "Account and benchmark by regime",
    rows,
    columns: [
      { name: "regime", title: "Regime", kind: "text", heading: true, show: (row) => words(row.regime) },
      { name: "sessions", title: "Sessions", show: (row) => `${number(row.sessions, 0)} (${percent(row.share, 0)})` },
      { name: "annual_return", title: "Return", unit: "% a year", show: (row) => share(row.annual_return) },
      { name: "volatility", title: "Volatility", unit: "% a year", show: (row) => percent(row.volatility) },
      { name: "sharpe", title: "Sharpe", show: (row) => number(row.sharpe) },
      { name: "benchmark_return", title: "Benchmark", unit: "% a year", show: (row) => share(row.benchmark_return) },
      { name: "benchmark_sharpe", title: "Its Sharpe", show: (row) => number(row.benchmark_sharpe) },
      { name: "worst", title: "Worst session", unit: "%", show: (row) => percent(row.worst, 2, { sign: true }) },
    ],
  }).node;
}

export function regimesPanel() {
  return analysisPanel({
    name: "regimes",
    title: "Performance by regime",
    note: "by the state known at the close before; 0 is the calmest",
    draw(body, { performance, probabilities }) {
      const closes = [];
      for (const [asset, rows] of grouped(probabilities, "asset")) {
        const lines = [...grouped(rows, "state")].map(([state, each], i) => ({ name: `State ${state}`, ...lineLook(i), data: points(each, "session", (row) => row.probability), show: (point) => percent(point?.value) }));
        const chart = sessionChart({ label: `Filtered probabilities of the states of ${asset}`, height: 150, format: (value) => percent(value, 0), series: lines });
        closes.push(chart.close);
        const of = performance.filter((row) => row.asset === asset);
        if (of.length) body.append(byRegime(of));
        body.append(h("h3", {}, `Filtered probabilities, ${words(asset).toLowerCase()}`), chart.node);
      }
      return () => closes.forEach((close) => close());
    },
  });
}

export function knowledgePanel() {
  return analysisPanel({
    name: "knowledge",
    title: "Point in time against restated",
    note: "how much knowledge that nobody had adds",
    draw(body, tables, facts) {
      const [known, restated] = [facts.point_in_time, facts.restated];
      const row = (name, of, text) => ({ name, known: text(known[of]), restated: text(restated[of]) });
      body.append(figures([
        { name: "Return from hindsight", value: percent(facts.return_from_hindsight, 2, { sign: true }), note: "restated less point in time" },
        { name: "Signals that differ", value: number(facts.signals_that_differ, 0), note: `of ${number(facts.signals, 0)}` },
      ]));
      body.append(table({
        caption: "Both kinds of knowledge",
        rows: [
          row("Total return", "total_return", (value) => percent(value, 2, { sign: true })),
          row("Sharpe", "sharpe", (value) => number(value)),
          row("Deepest drawdown", "max_drawdown", (value) => percent(value, 2)),
          row("Mean rank IC", "mean_rank_ic", (value) => number(value, 4, { sign: true })),
        ],
        columns: [
          { name: "name", title: "Figure", kind: "text", heading: true },
          { name: "known", title: "As known at each close" },
          { name: "restated", title: "On corrected history" },
        ],
      }).node);
    },
  });
}

function summaryOf(row) {
  return figures([
    { name: "Paths", value: number(row.paths, 0), note: `of ${number(row.horizon, 0)} ${row.way.startsWith("trades") ? "trades" : "sessions"}` },
    { name: "Mean return", value: isKnown(row.mean_final) ? share(row.mean_final - 1) : "–", note: `happened ${isKnown(row.happened_final) ? share(row.happened_final - 1) : "–"}` },
    { name: "Chance of a loss", value: percent(row.loss_probability) },
    { name: "Chance of ruin", value: percent(row.ruin_probability), note: `${percent(row.ruin_share, 0)} of the start or less` },
    { name: "Deeper drawdowns", value: percent(row.deeper_share), note: `of paths, than ${percent(row.happened_drawdown)}` },
  ]);
}

function tails(rows) {
  return table({
    caption: "Tails of a session's return",
    rows,
    columns: [
      { name: "estimate", title: "Estimate", kind: "text", heading: true, show: (row) => words(row.estimate) },
      { name: "tail", title: "Tail", unit: "%", show: (row) => percent(row.tail, 0) },
      { name: "value_at_risk", title: "Value at risk", unit: "%", show: (row) => percent(row.value_at_risk, 2) },
      { name: "expected_shortfall", title: "Expected shortfall", unit: "%", show: (row) => percent(row.expected_shortfall, 2) },
    ],
  }).node;
}

function stress(rows) {
  return table({
    caption: "Stress",
    height: "240px",
    rows,
    columns: [
      { name: "name", title: "What", kind: "text", heading: true, show: (row) => words(row.name) },
      { name: "kind", title: "Kind", kind: "text", show: (row) => words(row.kind) },
      { name: "account", title: "Account", unit: "%", show: (row) => share(row.account) },
      { name: "benchmark", title: "Benchmark", unit: "%", show: (row) => share(row.benchmark) },
      { name: "drawdown", title: "Drawdown", unit: "%", show: (row) => percent(row.drawdown) },
    ],
  }).node;
}

function capacity(rows) {
  return table({
    caption: "Capacity",
    rows,
    columns: [
      { name: "capital", title: "Capital", show: (row) => money(row.capital) },
      { name: "impact_a_year", title: "Impact", unit: "% a year", show: (row) => percent(row.impact_a_year, 2) },
      { name: "annual_return", title: "Return", unit: "% a year", show: (row) => share(row.annual_return) },
    ],
  }).node;
}

export function monteCarloPanel() {
  let way = null;
  return analysisPanel({
    name: "monte-carlo",
    title: "Monte Carlo",
    note: "what the backtest could have come to: its returns or trades drawn again",
    size: "whole",
    draw(body, found) {
      const place = h("div");
      const ways = found.path_summary.map((row) => row.way);
      const draw = () => {
        const row = found.path_summary.find((one) => one.way === way) || found.path_summary[0];
        const rows = found.fan.filter((one) => one.way === row.way);
        place.replaceChildren(summaryOf(row), rows.length ? fan(rows, { label: `Paths drawn by ${words(row.way).toLowerCase()}: quantiles of the return over ${row.horizon} steps` }) : "");
      };
      body.append(h("div", { class: "controls" }, choices("Drawn by", ways.map((one) => [one, words(one)]), ways.includes(way) ? way : ways[0], (one) => { way = one; draw(); })));
      if (ways.length) draw();
      const titled = (title, rows, drawn) => (rows.length ? h("div", {}, h("h3", {}, title), drawn(rows)) : null);
      body.append(h("div", { class: "pair" },
        place,
        titled("Tails of a session's return", found.tail_estimates, tails),
        titled("Stress", found.stress, stress),
        titled("Capacity, with market impact", found.capacity, capacity),
      ));
    },
  });
}

export function crossValidationPanel() {
  return analysisPanel({
    name: "cross-validation",
    title: "Cross-validation",
    note: "splits of the newest training window that share no knowledge",
    draw(body, { splits }, { as_of: asOf, models }, say) {
      say.note(`splits of the training window as of ${asOf} that share no knowledge`);
      body.append(h("ul", { class: "reasons" }, models.map((one) => h("li", {}, one.text))));
      body.append(table({
        caption: "Splits",
        height: "280px",
        rows: splits,
        columns: [
          { name: "model", title: "Model", kind: "text", heading: true },
          { name: "way", title: "Way", kind: "text", show: (row) => words(row.way) },
          { name: "split", title: "Split" },
          { name: "rank_ic", title: "Rank IC", show: (row) => number(row.rank_ic, 4, { sign: true }) },
          { name: "sessions", title: "Sessions", show: (row) => number(row.sessions, 0) },
          { name: "train_rows", title: "Trained on", unit: "rows", show: (row) => number(row.train_rows, 0) },
          { name: "purged", title: "Purged", unit: "rows", show: (row) => number(row.purged, 0) },
        ],
      }).node);
    },
  });
}
