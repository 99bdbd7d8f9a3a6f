// Controls that pages share: a choice of a few, and the session that is shown.

import { get } from "../api.js";
import { freshId, h } from "../dom.js";

/** A few choices side by side: `list` of [value, title]; `chosen(value)` is called with each press. */
export function choices(label, list, value, chosen) {
  const buttons = list.map(([one, title]) => h("button", { type: "button", "aria-pressed": String(one === value), onclick: () => press(one) }, title));
  function press(one) {
    buttons.forEach((button, i) => button.setAttribute("aria-pressed", String(list[i][0] === one)));
    chosen(one);
  }
  return h("div", { class: "choices", role: "group", "aria-label": label }, buttons);
}

/** Buttons to the session before and after, and a list of all; `chosen(session)`, with null for the newest. */
export function sessionPicker(value, chosen) {
  const id = freshId("session");
  const list = h("select", { id, onchange: () => chosen(list.value || null) }, h("option", { value: value || "" }, value || "Newest"));
  const earlier = h("button", { type: "button", class: "small", "aria-label": "Session before", disabled: true, onclick: () => step(1) }, "‹");
  const later = h("button", { type: "button", class: "small", "aria-label": "Session after", disabled: true, onclick: () => step(-1) }, "›");
  let days = [];

  function step(by) {
    const at = Math.max(0, days.indexOf(list.value)) + by;
    if (days[at]) chosen(days[at]);
  }

  get("sessions").then(({ data }) => {
    days = data.map((row) => (typeof row === "string" ? row : row.session)).sort().reverse();
    const shown = value && days.includes(value) ? value : days[0];
    list.replaceChildren(...days.map((day) => h("option", { value: day }, day)));
    if (shown) list.value = shown;
    earlier.disabled = days.indexOf(list.value) >= days.length - 1;
    later.disabled = days.indexOf(list.value) <= 0;
  }, () => null); // the page itself says what is wrong
  return h("span", { class: "picker" }, h("label", { for: id }, "Session"), " ", earlier, list, later);
}
