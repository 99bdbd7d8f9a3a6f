// A panel: a titled part of a page that loads, draws, renews and fails by itself, so that one answer that is missing
// leaves the others as they are.

import { freshId, h } from "./dom.js";
import { errorNotice, loading, staleNotice } from "./states.js";
import { onTopics } from "./live.js";

const FOCUSED = "a[href], button, input, select, summary, [tabindex]";

/** Where one is in a body that is drawn again: how far each part is scrolled, and what has the focus. Returns what goes back there. */
function placeIn(body) {
  const scrolled = [...body.querySelectorAll(".scroll")].map((one) => [one.scrollTop, one.scrollLeft]);
  const at = body.contains(document.activeElement) ? [...body.querySelectorAll(FOCUSED)].indexOf(document.activeElement) : -1;
  return () => {
    body.querySelectorAll(".scroll").forEach((one, i) => scrolled[i] && one.scrollTo(scrolled[i][1], scrolled[i][0]));
    if (at >= 0) body.querySelectorAll(FOCUSED)[at]?.focus({ preventScroll: true });
  };
}

/**
 * Make a panel.
 *
 * `load(signal)` gets what is shown, `draw(body, data)` shows it and may return what ends it; `topics` of the stream
 * renew it, and without them `every` seconds do (null: never). `note` holds units and what the figures are of.
 * Returns `{ node, renew, close }`; `renew()` loads again and keeps what is shown if that fails, saying so.
 */
export function panel({ title, note = "", size = "half", tools = [], load, draw, topics = [], every = null, lines = 4, hideTitle = false }) {
  const id = freshId("panel");
  const body = h("div", { class: "panel-body" }, loading(lines));
  const told = h("div", { class: "panel-told" });
  const remark = h("span", { class: "panel-note" }, note);
  const head = h("div", { class: hideTitle ? "panel-head unseen" : "panel-head" }, h("h2", { id }, title), remark, h("div", { class: "panel-tools" }, tools));
  const node = h("section", { class: "panel", dataset: { size }, "aria-labelledby": id }, head, told, body);
  let loadedAt = null;
  let end = null;
  let running = null;
  let last = null;

  function show(data) {
    const said = JSON.stringify(data);
    if (said === last && body.childElementCount) return; // nothing new: what is shown, and where one is in it, stays
    last = said;
    const back = placeIn(body);
    end?.();
    end = null;
    body.replaceChildren();
    end = draw(body, data, { note: (text) => remark.replaceChildren(text) }) || null;
    back();
  }

  async function renew() {
    running?.abort();
    const mine = new AbortController();
    running = mine;
    try {
      const data = await load(mine.signal);
      if (mine.signal.aborted) return;
      told.replaceChildren();
      loadedAt = new Date();
      show(data);
    } catch (error) {
      if (mine.signal.aborted) return;
      if (loadedAt && error.kind) told.replaceChildren(staleNotice(error, loadedAt, renew));
      else {
        last = null;
        body.replaceChildren(errorNotice(error, renew));
      }
      if (!error.kind) console.error(error);
    }
  }

  const stop = onTopics(topics, renew, every);
  renew();
  return {
    node,
    renew,
    close() {
      stop();
      running?.abort();
      end?.();
    },
  };
}

/** A page of panels: appends them to `root` in a grid and returns what closes them all. */
export function panels(root, made) {
  root.append(h("div", { class: "grid" }, made.map((one) => one.node)));
  return () => made.forEach((one) => one.close());
}
