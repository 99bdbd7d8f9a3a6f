// The models: which version of each is active, how good its scores are and were, whether what it learnt still holds, who was champion and why.

import { all, get } from "../api.js";
import { zeroBars } from "../bars.js";
import { sessionChart } from "../chart.js";
import { h } from "../dom.js";
import { change, isKnown, number, percent, time, words } from "../format.js";
import { panel, panels } from "../panel.js";
import { analysisPanel, grouped } from "../parts/analysis.js";
import { choices } from "../parts/choices.js";
import { mark } from "../parts/health.js";
import { modelFacts } from "../parts/model_facts.js";
import { cumulated, lineLook, points, rollingMean } from "../parts/series_of.js";
import { emptyNotice } from "../states.js";
import { table } from "../table.js";

const ROLLING = 63;
const MOST_LINES = 6;
const signed = (value) => number(value, 4, { sign: true });
const ic = (point) => (isKnown(point?.value) ? signed(point.value) : "–");

function known(open) {
  return panel({
    title: "Models",
    note: "the active version of each; Enter opens one",
    size: "whole",
    load: (signal) => get("models", {}, { signal }),
    draw(body, { data }) {
      body.append(table({
        caption: "Models",
        key: "name",
        rows: data,
        open: (row) => open(row.name),
        empty: emptyNotice("There is no model in the settings", "Name one, such as a table [models.lightgbm], then “ats run”."),
        columns: [
          { name: "name", title: "Model", kind: "text", heading: true },
          { name: "is_champion", title: "Champion", kind: "text", show: (row) => (row.is_champion ? "● yes" : "") },
          { name: "status", title: "Status", kind: "text", show: (row) => words(row.status) },
          { name: "fitted_session", title: "Fitted at", kind: "text" },
          { name: "age_sessions", title: "Age", unit: "sessions" },
          { name: "validation_rank_ic", title: "Rank IC, validation", show: (row) => signed(row.validation_rank_ic) },
          { name: "rank_ic", title: "Rank IC, out of sample", tip: "of the window by which champions are chosen", show: (row) => signed(row.rank_ic) },
          { name: "reason", title: "Why", kind: "wide" },
          { name: "model_sha256", title: "Version", kind: "text", show: (row) => (row.model_sha256 ? h("code", { title: row.model_sha256 }, row.model_sha256.slice(0, 12)) : "–") },
        ],
      }).node);
    },
  });
}

function one() {
  let name = null;
  const made = panel({
    title: "In force",
    lines: 8,
    async load(signal) {
      const wanted = name || (await get("models", {}, { signal })).data.find((row) => row.status !== "ensemble" && row.status !== "not stored")?.name;
      return wanted ? get(`models/${encodeURIComponent(wanted)}`, {}, { signal }) : null;
    },
    draw(body, found, say) {
      say.note(found ? `${found.name}, a ${found.learner}` : "");
      body.append(found ? modelFacts(found) : emptyNotice("No model is stored", "“ats run” fits those of the settings."));
    },
  });
  return { ...made, open(wanted) { name = wanted; made.renew(); made.node.scrollIntoView({ block: "nearest" }); } };
}

function horizonsTable(rows) {
  return table({
    caption: "Skill by horizon",
    rows,
    columns: [
      { name: "horizon_sessions", title: "Horizon", unit: "sessions", heading: true, kind: "text" },
      { name: "sessions", title: "Judged", unit: "sessions", show: (row) => number(row.sessions, 0) },
      { name: "mean_ic", title: "IC", show: (row) => signed(row.mean_ic) },
      { name: "mean_rank_ic", title: "Rank IC", show: (row) => signed(row.mean_rank_ic) },
      { name: "icir", title: "ICIR", tip: "mean over standard deviation of the rank IC", show: (row) => number(row.icir, 3, { sign: true }) },
      { name: "t_statistic", title: "t", tip: "of the mean rank IC, allowing for overlapping returns", show: (row) => number(row.t_statistic, 1, { sign: true }) },
      { name: "positive_share", title: "Above 0", unit: "%", show: (row) => percent(row.positive_share, 0) },
      { name: "spread", title: "Q5 − Q1", unit: "bp", tip: "mean return of the best fifth less that of the worst, over the horizon", show: (row) => (isKnown(row.spread) ? number(row.spread * 1e4, 1, { sign: true }) : "–") },
      { name: "verdict", title: "Verdict", kind: "text", show: (row) => words(row.verdict) },
      { name: "why", title: "Why", kind: "wide" },
    ],
  }).node;
}

const FIGURES = [["rank_ic", "Rank IC"], ["ic", "IC"]];

function skill() {
  let figure = "rank_ic";
  const made = analysisPanel({
    name: "skill",
    title: "Skill over time",
    note: "correlation of a session's scores with the returns that followed, out of sample",
    size: "whole",
    lines: 10,
    tools: [choices("Figure", FIGURES, figure, (one) => { figure = one; made.renew(); })],
    load: async (signal) => ({ figure, ...(await get("analyses/skill", {}, { signal })) }),
    draw(body, { sessions, horizons, models }, facts) {
      body.append(h("p", { class: "verdict" }, facts.text));
      const own = points(sessions.filter((row) => row.horizon_sessions === facts.horizon_sessions), "decision_session", (row) => row[figure]);
      const title = FIGURES.find(([name]) => name === figure)[1];
      const closes = [];
      if (own.length > 1) {
        const series = [
          { name: `Mean of ${ROLLING} sessions`, kind: "line", data: rollingMean(own, ROLLING), show: ic },
          { name: "Each session", kind: "histogram", data: own, tone: "series-2", show: ic, lastValue: false },
        ];
        const label = `${title} over ${facts.horizon_sessions} sessions, by the session of the decision: ${own.length} sessions from ${own[0].time} to ${own.at(-1).time}`;
        const chart = sessionChart({ label, height: 190, format: (value) => value.toFixed(2), series });
        const lines = [...grouped(sessions, "horizon_sessions")].slice(0, MOST_LINES).map(([horizon, rows], i) => ({ name: `Horizon ${horizon}`, ...lineLook(i), data: cumulated(points(rows, "decision_session", (row) => row[figure])), show: ic })).filter((line) => line.data.length);
        const sums = sessionChart({ label: `Cumulative ${title} by horizon`, height: 160, series: lines });
        body.append(h("h3", {}, `${title} over ${facts.horizon_sessions} sessions`), chart.node, h("h3", {}, `Cumulative ${title === "IC" ? title : "rank IC"}: a steady climb is skill, a flat or jagged line is not`), sums.node);
        closes.push(chart.close, sums.close);
      }
      if (models?.length && figure === "rank_ic") {
        const lines = [...grouped(models, "model")].slice(0, MOST_LINES).map(([name, rows], i) => ({ name, ...lineLook(i), data: rollingMean(points(rows, "session", (row) => row.rank_ic), ROLLING), show: ic })).filter((line) => line.data.length);
        if (lines.length) {
          const each = sessionChart({ label: `Rank IC of each model, mean of ${ROLLING} sessions`, height: 160, series: lines });
          body.append(h("h3", {}, `Rank IC by model, mean of ${ROLLING} sessions`), each.node);
          closes.push(each.close);
        }
      }
      body.append(h("h3", {}, "By horizon"), horizonsTable(horizons));
      return () => closes.forEach((close) => close());
    },
  });
  return made;
}

function driftTable(rows) {
  return table({
    caption: "Newest tests of drift",
    rows,
    columns: [
      { name: "test", title: "Test", kind: "text", heading: true, show: (row) => `${words(row.of)}: ${row.test}` },
      { name: "alarm", title: "Says", kind: "text", show: (row) => (isKnown(row.figure) && isKnown(row.threshold) ? mark(row.alarm ? "warning" : "ok") : mark("unknown")) },
      { name: "figure", title: "Figure", show: (row) => number(row.figure, 2) },
      { name: "threshold", title: "Unusual above", show: (row) => number(row.threshold, 2) },
      { name: "about", title: "What it says", kind: "wide", show: (row) => row.about || "–" },
    ],
  }).node;
}

function drift() {
  let model = null;
  return analysisPanel({
    name: "drift",
    title: "Drift",
    note: "over what is unusual in the model's past: above 1 is an alarm",
    lines: 8,
    draw(body, { drift: rows }) {
      const models = [...grouped(rows, "model")];
      const place = h("div");
      let close = null;
      const draw = () => {
        close?.();
        const [, of] = models.find(([name]) => name === model) || models[0];
        const lines = [...grouped(of.map((row) => ({ ...row, title: `${row.of}: ${row.test}` })), "title")].map(([name, each], i) => ({ name, ...lineLook(i), thin: true, data: points(each, "session", (row) => (row.threshold > 0 && isKnown(row.figure) ? row.figure / row.threshold : null)), show: (point) => (isKnown(point?.value) ? number(point.value, 2) : "–") })).filter((line) => line.data.length > 1);
        const newest = of.map((row) => row.session).sort().at(-1);
        place.replaceChildren();
        close = null;
        if (lines.length) {
          const chart = sessionChart({ label: "Drift over time: figures over what is unusual", height: 190, series: lines });
          close = chart.close;
          place.append(chart.node);
        } else place.append(emptyNotice("The past is too short yet to say what is unusual"));
        place.append(h("h3", {}, `At ${newest}`), driftTable(of.filter((row) => row.session === newest)));
      };
      if (models.length > 1) body.append(h("div", { class: "controls" }, choices("Model", models.map(([name]) => [name, name]), model || models[0][0], (chosen) => { model = chosen; draw(); })));
      body.append(place);
      draw();
      return () => close?.();
    },
  });
}

function champions() {
  return panel({
    title: "Champion history",
    note: "whose scores are traded, since when and why; newest first",
    load: (signal) => all("promotions", {}, { signal, most: 500 }),
    draw(body, { data, titles }) {
      body.append(table({
        caption: "Champions",
        height: "260px",
        rows: titles,
        empty: emptyNotice("One model needs no champion", "Name several models in the settings: the best one out of sample is champion, or who is promoted with “ats models promote”."),
        columns: [
          { name: "session", title: "Since", kind: "text", heading: true },
          { name: "model", title: "Champion", kind: "text" },
          { name: "reason", title: "Why", kind: "wide" },
        ],
      }).node);
      body.append(h("h3", {}, "What people decided"), table({
        caption: "Promotions and rollbacks",
        height: "200px",
        rows: data,
        empty: emptyNotice("Nobody has promoted or rolled back a model"),
        columns: [
          { name: "known_at", title: "When", unit: "UTC", kind: "text", heading: true, show: (row) => time(row.known_at) },
          { name: "action", title: "What", kind: "text", show: (row) => words(row.action) },
          { name: "model", title: "Model", kind: "text" },
          { name: "who", title: "Who", kind: "text" },
          { name: "effective", title: "From session", kind: "text" },
          { name: "reason", title: "Why", kind: "wide" },
        ],
      }).node);
    },
  });
}

function importance() {
  let model = null;
  return analysisPanel({
    name: "importance",
    title: "Importance over time",
    note: "share of each feature in what a fit looks at, by fit",
    draw(body, { fits, newest }) {
      const models = [...grouped(fits, "model")];
      const place = h("div");
      let close = null;
      const draw = () => {
        close?.();
        const [, rows] = models.find(([name]) => name === model) || models[0];
        const features = [...grouped(rows, "feature")];
        const lines = features.slice(0, MOST_LINES).map(([name, each], i) => ({ name, ...lineLook(i), data: points(each, "session", (row) => row.share), show: (point) => percent(point?.value) }));
        const chart = sessionChart({ label: "Share of the features that count most, by fit", height: 200, format: (value) => percent(value, 0), series: lines });
        close = chart.close;
        const bars = features.map(([name, each]) => ({ name, value: each.at(-1).share, text: percent(each.at(-1).share), tone: "plain", title: `${percent(each.reduce((sum, row) => sum + row.share, 0) / each.length)} on the mean of ${each.length} fits` }));
        place.replaceChildren(chart.node, h("h3", {}, `In the newest fit, of ${rows.at(-1).session}`), zeroBars(bars, { caption: "Importance in the newest fit", head: ["Feature", "Share", ""] }));
      };
      if (models.length > 1) body.append(h("div", { class: "controls" }, choices("Model", models.map(([name]) => [name, name]), model || models[0][0], (chosen) => { model = chosen; draw(); })));
      body.append(place);
      if (models.length) draw();
      if (!newest.length) {
        body.append(h("p", { class: "muted" }, "What is lost without a feature out of sample: set importance.ways, such as [\"features\"], then ats run."));
      } else body.append(h("h3", {}, "Out of sample, in the newest training window"), outOfSample(newest));
      return () => close?.();
    },
  });
}

function outOfSample(rows) {
  return table({
    caption: "Importance out of sample",
    height: "260px",
    rows,
    columns: [
      { name: "name", title: "Feature", kind: "text", heading: true },
      { name: "model", title: "Model", kind: "text" },
      { name: "way", title: "Way", kind: "text", show: (row) => words(row.way) },
      { name: "importance", title: "Importance", tip: "rank IC that is lost, or had alone; of contributions their share", show: (row) => (row.way === "contributions" ? percent(row.importance, 2) : change(row.importance, signed(row.importance))) },
      { name: "standard_error", title: "± ", show: (row) => (row.way === "contributions" ? percent(row.standard_error, 2) : number(row.standard_error, 4)) },
    ],
  }).node;
}

export function show(root) {
  const inForce = one();
  root.append(h("div", { class: "page-head" }, h("h1", {}, "Models")));
  return panels(root, [known(inForce.open), inForce, champions(), skill(), importance(), drift()]);
}
