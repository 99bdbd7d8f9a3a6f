// Asking for an order, or to cancel one. The service writes the request down and answers with what confirms it; nothing
// is sent before a person has seen exactly what it is, and confirmed. The executor, another process, takes it up.

import { ask, confirmRequest, whoLooks } from "../api.js";
import { confirmed } from "../dialogs.js";
import { h, route } from "../dom.js";
import { money, quantity, words } from "../format.js";
import { errorNotice, notice } from "../states.js";

/** Why this page can't ask for anything now; null where it can. */
export function whyNot() {
  const person = whoLooks();
  if (!person || person.open) return notice("empty", "Log in to place or cancel orders", { whatToDo: "It takes a key with the role trade: “ats serve key add NAME --role trade”.", action: { title: "Log in", run: () => { location.hash = route("login", [], { back: location.hash.slice(1) }); } } });
  if (!person.writes) return notice("empty", "This service takes no requests", { whatToDo: "Set serving.writes = true in the settings file and start it again." });
  if (person.role === "read") return notice("empty", `The key “${person.name}” may only read`, { whatToDo: "Log in with a key of the role trade or admin." });
  return null;
}

/** The id of a made request, its confirmation, and when it ends, wherever the answer has them. */
function read(answer) {
  const made = answer.request || answer;
  return { id: made.id, nonce: answer.nonce ?? made.nonce, expires: made.expires_at };
}

/** Ask for something, show what it is, confirm it. Resolves to the request's id, or null where the person went back. */
export async function askAndConfirm(kind, body, { title, lines, yes, note }) {
  const { id, nonce } = read(await ask(kind, body, crypto.randomUUID()));
  if (!nonce) return id;
  const may = await confirmed(title, lines, { yes, note: `${note} Request ${id}; without a confirmation it expires and nothing is sent.` });
  if (!may) return null;
  await confirmRequest(id, nonce);
  return id;
}

export async function cancelOrder(order, told, done) {
  told.replaceChildren();
  try {
    const lines = [["Order", order.client_order_id], ["Symbol", order.symbol], ["Side", words(order.side)], ["Shares", quantity(order.quantity)], ["State", words(order.state)]];
    const id = await askAndConfirm("cancel_order", { client_order_id: order.client_order_id }, { title: "Cancel this order?", lines, yes: "Cancel the order", note: "What is filled already stays." });
    told.replaceChildren(id ? notice("done", `Cancelling ${order.client_order_id} is asked for`, { detail: `Request ${id} is below; it is done when the broker says so.` }) : notice("empty", "Nothing was cancelled"));
    done();
  } catch (error) {
    told.replaceChildren(errorNotice(error));
  }
}

/** The form of a paper order; `done` is called when something was asked for. */
export function orderTicket({ symbol = "", done }) {
  const told = h("div", { class: "told", role: "status" });
  const field = (title, control) => h("label", {}, title, control);
  const name = h("input", { name: "symbol", value: symbol, required: true, autocomplete: "off", spellcheck: "false", maxlength: "32" });
  const side = h("select", { name: "side" }, h("option", { value: "buy" }, "Buy"), h("option", { value: "sell" }, "Sell"));
  const shares = h("input", { name: "quantity", required: true, inputmode: "decimal", autocomplete: "off", pattern: "[0-9]+([.][0-9]{1,9})?", title: "a number above zero, such as 100 or 0.5" });
  const kind = h("select", { name: "kind", onchange: () => limited() }, h("option", { value: "market" }, "Market"), h("option", { value: "limit" }, "Limit"));
  const limit = h("input", { name: "limit_price", inputmode: "decimal", autocomplete: "off", pattern: "[0-9]+([.][0-9]{1,9})?", title: "a price above zero, such as 182.50", disabled: true });
  const why = h("input", { name: "reason", maxlength: "300", autocomplete: "off", placeholder: "for the audit trail" });
  const button = h("button", { type: "submit", class: "strong" }, "Review order");

  function limited() {
    limit.disabled = kind.value !== "limit";
    limit.required = !limit.disabled;
  }

  async function submit(event) {
    event.preventDefault();
    button.disabled = true;
    told.replaceChildren();
    const wanted = { symbol: name.value.trim().toUpperCase(), side: side.value, quantity: shares.value.trim(), kind: kind.value };
    if (kind.value === "limit") wanted.limit_price = limit.value.trim();
    if (why.value.trim()) wanted.reason = why.value.trim();
    const lines = [["Symbol", wanted.symbol], ["Side", words(wanted.side)], ["Shares", quantity(wanted.quantity)], ["Kind", words(wanted.kind)], ...(wanted.limit_price ? [["Limit price", money(wanted.limit_price)]] : []), ["Account", "paper"]];
    try {
      const title = `${words(wanted.side)} ${quantity(wanted.quantity)} ${wanted.symbol}?`;
      const id = await askAndConfirm("place_order", wanted, { title, lines, yes: `${words(wanted.side)} on paper`, note: "Limits, halts and the kill switch hold for it as for any order." });
      told.replaceChildren(id ? notice("done", "The order is asked for", { detail: `Request ${id} is below; a desk takes it up within seconds where one runs: “ats orders desk”, “ats orders watch” or “ats trade live”.` }) : notice("empty", "Nothing was sent"));
      if (id) shares.value = "";
      done();
    } catch (error) {
      told.replaceChildren(errorNotice(error));
    } finally {
      button.disabled = false;
    }
  }

  return h("form", { class: "ticket", onsubmit: submit }, field("Symbol", name), field("Side", side), field("Shares", shares), field("Kind", kind), field("Limit price", limit), field("Reason", why), button, told);
}
