// The equity over sessions.

import { sessionChart } from "../chart.js";
import { isKnown, money, percent, shortMoney } from "../format.js";
import { emptyNotice } from "../states.js";

/** Draw the equity into `body`; `rows` of `{ session, equity }`, oldest first. */
export function equityChart(body, rows, { height = 300 } = {}) {
  const known = rows.filter((row) => isKnown(row.equity) && row.session).sort((a, b) => (a.session < b.session ? -1 : 1));
  const data = known.map((row) => ({ time: row.session, value: Number(row.equity) }));
  if (data.length < 2) {
    body.append(emptyNotice(data.length ? "One session is settled: a line needs two" : "No session is settled yet", "“ats trade” settles each session after its close."));
    return null;
  }
  const [first, last] = [data[0], data.at(-1)];
  const total = last.value / first.value - 1;
  const label = `Equity from ${first.time} to ${last.time}: ${money(first.value)} to ${money(last.value)}, ${percent(total, 1, { sign: true })}`;
  const since = (point) => `${money(point.value)} (${percent(point.value / first.value - 1, 2, { sign: true })})`;
  const chart = sessionChart({ label, height, format: shortMoney, series: [{ name: "Equity", kind: "area", data, show: since }] });
  body.append(chart.node);
  return chart.close;
}
