// A person's order in a dialog: the close that it was judged by, and each fill with the bars behind it, down to the vendor's delivery.

import { get } from "../api.js";
import { opened } from "../dialogs.js";
import { h } from "../dom.js";
import { price, quantity, time } from "../format.js";
import { lineageTree } from "./lineage.js";

function part(title, bars) {
  return [h("h3", {}, title), bars ? lineageTree(bars) : h("p", { class: "muted" }, "The bars of that session are not stored yet.")];
}

/** Show where the order of a request comes from. */
export async function showOrderLineage(request) {
  const body = h("div", { role: "status" }, "Loading");
  const close = h("form", { method: "dialog" }, h("button", {}, "Close"));
  opened(`Order of ${request.on_behalf_of || request.asked_by}`, [body, close], { className: "explained" });
  try {
    const found = await get(`requests/${encodeURIComponent(request.id)}/lineage`);
    body.replaceChildren(
      ...part("Judged by the close before", found.decided),
      ...found.fills.flatMap((fill) => part(`Filled ${quantity(fill.quantity)} at ${price(fill.price)}, ${time(fill.at)} UTC`, fill.bars)),
    );
  } catch (error) {
    body.textContent = `${error.title}. ${error.whatToDo || ""}`;
  }
}
