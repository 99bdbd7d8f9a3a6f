// What a part of the page shows when it has nothing to show: never blank, always what is wrong and what to do.

import { h } from "./dom.js";
import { clock } from "./format.js";

const SIGNS = { error: "■", empty: "○", stale: "▲", done: "●" };

/** A notice: `kind` is error, empty, stale or done. */
export function notice(kind, title, { detail, whatToDo, action } = {}) {
  return h(
    "div",
    { class: "notice", dataset: { kind }, role: kind === "error" ? "alert" : null },
    h("p", { class: "notice-title" }, h("span", { class: "sign", "aria-hidden": "true" }, SIGNS[kind]), " ", title),
    detail ? h("p", {}, detail) : null,
    whatToDo ? h("p", { class: "todo" }, whatToDo) : null,
    action ? h("button", { type: "button", onclick: action.run }, action.title) : null,
  );
}

/** What could not be had, with a button that tries again. */
export function errorNotice(error, retry) {
  const known = "whatToDo" in error;
  const title = known ? error.title : "This part of the page failed";
  const detail = known ? error.detail : String(error.message || error);
  const whatToDo = known ? error.whatToDo : "Reload the page. If it stays, the browser's console says where it failed.";
  return notice(error.kind === "missing" ? "empty" : "error", title, { detail, whatToDo, action: retry && error.kind !== "missing" ? { title: "Try again", run: retry } : null });
}

export function emptyNotice(title, whatToDo) {
  return notice("empty", title, { whatToDo });
}

/** Said above what was loaded before, when it could not be loaded again. */
export function staleNotice(error, since, retry) {
  const title = `Not renewed since ${clock(since.toISOString())}: ${error.title || error.message}`;
  return notice("stale", title, { whatToDo: error.whatToDo, action: { title: "Try again", run: retry } });
}

/** Grey bars in the place of what is being loaded. */
export function loading(lines = 3) {
  const bars = Array.from({ length: lines }, () => h("div", { class: "bone" }));
  return h("div", { class: "loading", "aria-busy": "true", role: "status" }, h("span", { class: "unseen" }, "Loading"), bars);
}
