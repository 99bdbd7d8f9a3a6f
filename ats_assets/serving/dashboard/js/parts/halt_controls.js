// Stopping all trading, and going on: each is a request with its reason, for whoever looks into it later.

import { askFor } from "../dialogs.js";
import { h } from "../dom.js";
import { time } from "../format.js";
import { errorNotice, notice } from "../states.js";
import { askAndConfirm, whyNot } from "./order_ticket.js";

async function halt(told, done) {
  const reason = await askFor("Halt all trading?", "Reason", { yes: "Halt trading", note: "No order is sent after it, by any process, until somebody resumes. Open orders are not cancelled." });
  if (!reason) return;
  try {
    const id = await askAndConfirm("halt", { reason }, {});
    told.replaceChildren(notice("done", "The halt is asked for", { detail: `Request ${id}; it holds as soon as a desk has taken it up.` }));
  } catch (error) {
    told.replaceChildren(errorNotice(error));
  }
  done();
}

async function resume(told, done) {
  const remark = await askFor("Resume trading?", "What was found and mended", { yes: "Continue", note: "A difference from the broker that remains halts again." });
  if (!remark) return;
  try {
    const id = await askAndConfirm("resume", { note: remark }, { title: "Resume trading now?", lines: [["Note", remark]], yes: "Resume trading", note: "Orders are sent again from now on." });
    told.replaceChildren(id ? notice("done", "Resuming is asked for", { detail: `Request ${id} is below.` }) : notice("empty", "Trading stays halted"));
  } catch (error) {
    told.replaceChildren(errorNotice(error));
  }
  done();
}

/** Whether trading is halted, and the button for it; `account` as of portfolio/account. */
export function haltControls(account, told, done) {
  const halted = account?.halted;
  const may = !whyNot();
  if (halted) return [notice("error", "Trading is halted: no order is sent", { detail: `${halted.reason} (since ${time(halted.since)})`, action: may ? { title: "Resume trading", run: () => resume(told, done) } : null, whatToDo: may ? "Find the cause first." : "Find the cause, then “ats orders resume”." })];
  return may ? [h("button", { type: "button", onclick: () => halt(told, done) }, "Halt trading")] : [];
}
