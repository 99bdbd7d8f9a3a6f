// The session that is followed, as the session loop has it: what it has made so far, and how much is at stake.

import { get } from "../api.js";
import { figures } from "../bars.js";
import { change, clock, money, percent, price, quantity } from "../format.js";
import { panel } from "../panel.js";
import { emptyNotice, notice } from "../states.js";
import { table } from "../table.js";

const NAMES = ["positions", "risk", "performance"];

async function loaded(signal) {
  const [held, risk, made] = await Promise.all(NAMES.map((name) => get(`live/${name}`, {}, { signal })));
  return { session: held.session, at: risk.data.at(-1)?.at ?? null, held: held.data, risk: risk.data.at(-1), made: made.data.at(-1) };
}

/** The panel; it is renewed each time that the loop has judged the book. */
export function sessionSoFar() {
  return panel({
    title: "Session",
    note: "as the session loop has it",
    size: "whole",
    lines: 3,
    topics: ["live_risk"],
    load: loaded,
    draw(body, { session, at, held, risk, made }, say) {
      if (!session) {
        body.append(emptyNotice("No session was followed yet", "“ats trade live” follows one and tells positions, risk and performance minute by minute."));
        return;
      }
      say.note(`${session}${at ? `, as of ${clock(at)} UTC` : ""}`);
      if (risk?.breach) body.append(notice("error", "A limit is broken: trading stops", { detail: risk.breach, whatToDo: "Look at the account, then “ats orders resume”." }));
      if (risk && made) {
        body.append(figures([
          { name: "Equity", value: money(made.equity) },
          { name: "Profit", value: change(made.profit), note: percent(made.session_return, 2, { sign: true }) },
          { name: "Drawdown", value: percent(made.drawdown, 2), note: "from the session's highest equity" },
          { name: "Gross", value: percent(risk.gross_share) },
          { name: "Net", value: percent(risk.net_share, 1, { sign: true }) },
          { name: "Largest", value: percent(risk.largest_share), note: risk.largest_symbol ?? "" },
        ]));
      }
      if (!held.length) return;
      const rows = table({
        caption: "Positions in the session",
        key: "symbol",
        sort: "value",
        down: true,
        height: "300px",
        rows: held,
        columns: [
          { name: "symbol", title: "Symbol", kind: "text", heading: true },
          { name: "shares", title: "Shares", show: (row) => quantity(row.shares) },
          { name: "price", title: "Price", show: (row) => price(row.price) },
          { name: "value", title: "Value", by: (row) => Math.abs(row.value), show: (row) => money(row.value) },
          { name: "weight", title: "Weight", unit: "%", tip: "of the equity", show: (row) => percent(row.weight, 2) },
          { name: "profit", title: "Profit", tip: "of these shares since the last close", show: (row) => change(row.profit) },
        ],
      });
      body.append(rows.node);
    },
  });
}
