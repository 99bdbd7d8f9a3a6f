// A score as a sum: what each feature added, and where its value stands among the session's symbols.

import { zeroBars } from "../bars.js";
import { h } from "../dom.js";
import { isKnown, number, percent } from "../format.js";
import { emptyNotice } from "../states.js";
import { table } from "../table.js";

const SHOWN = 12;

/** Draw the sum; `score` as `ats explain --json` has it. */
export function scoreSum(body, score) {
  if (!score?.contributions?.length) {
    body.append(emptyNotice("This score has no parts", "Rules and some models have none; their reasons stand with the signal."));
    return;
  }
  const sorted = [...score.contributions].sort((a, b) => Math.abs(b.contribution) - Math.abs(a.contribution));
  const rest = sorted.slice(SHOWN).reduce((sum, one) => sum + one.contribution, 0);
  const text = (value) => number(value, 4, { sign: true });
  const rows = sorted.slice(0, SHOWN).map((one) => ({ name: one.feature, value: one.contribution, text: text(one.contribution), title: `value ${number(one.value, 4)}` }));
  if (sorted.length > SHOWN) rows.push({ name: `${sorted.length - SHOWN} other features`, value: rest, text: text(rest) });
  if (isKnown(score.base)) rows.push({ name: "Base, of every symbol", value: score.base, text: text(score.base) });
  body.append(
    h("p", {}, "Score ", h("b", {}, text(score.score)), h("span", { class: "muted" }, ` by ${score.model} of ${score.model_session}: the sum of these`)),
    zeroBars(rows, { caption: "What each feature added to the score", head: ["Feature", "Added", "− 0 +"] }),
  );
}

/** All features of the score, with values and places. */
export function featureTable(body, score) {
  const rows = score?.contributions || [];
  body.append(table({
    caption: "Features of the score",
    filter: true,
    height: "420px",
    rows,
    sort: "contribution",
    down: true,
    empty: emptyNotice("No features are known for this score", "Choose a session with a model's signal."),
    columns: [
      { name: "feature", title: "Feature", kind: "text", heading: true },
      { name: "value", title: "Value", show: (row) => number(row.value, 4) },
      { name: "percentile", title: "Place", unit: "%", tip: "among the session's symbols; the largest is 100%", show: (row) => percent(row.percentile, 0) },
      { name: "contribution", title: "Added", tip: "to the score", by: (row) => Math.abs(row.contribution), show: (row) => number(row.contribution, 5, { sign: true }) },
    ],
  }).node);
}
