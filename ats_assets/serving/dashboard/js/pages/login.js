// Logging in with a key; the key is exchanged for a cookie that scripts can't read, and is kept nowhere here.

import { logIn, personKnown, whoLooks } from "../api.js";
import { h } from "../dom.js";
import { startLive } from "../live.js";
import { errorNotice, notice } from "../states.js";

export async function show(root, { query }) {
  await personKnown();
  const told = h("div", { role: "status" });
  if (query.ended) told.append(notice("stale", "A key is needed, or your session has ended", { whatToDo: "Log in: what you had open comes back. “ats up” shows a key at its first start; “ats serve key add NAME” makes one." }));
  const key = h("input", { id: "key", name: "key", type: "password", autocomplete: "current-password", required: true, spellcheck: "false" });
  const button = h("button", { type: "submit", class: "strong" }, "Log in");

  async function submit(event) {
    event.preventDefault();
    button.disabled = true;
    told.replaceChildren();
    try {
      const person = await logIn(key.value.trim());
      key.value = "";
      if (!person) throw new Error("The service took the key and knows nobody by it");
      startLive();
      location.hash = query.back?.startsWith("/") ? query.back : "/dashboard";
    } catch (error) {
      button.disabled = false;
      const refused = error.kind === "ended" || error.kind === "forbidden";
      told.replaceChildren(refused ? notice("error", "This key is not known", { detail: "It is wrong, or it was revoked.", whatToDo: "Ask who runs the service for one: “ats serve key add” makes it." }) : errorNotice(error));
      key.focus();
    }
  }

  const form = h("form", { class: "login", onsubmit: submit }, h("label", { for: "key" }, "API key"), key, button, h("p", { class: "muted" }, "A key has a role: read sees all that is here, trade may also ask for paper orders and for halts, admin for promotions of models, too."));
  const open = whoLooks()?.open ? h("p", { class: "muted" }, "Reading is open on this machine without a key. A key is needed to change something.") : null;
  root.append(h("h1", {}, "Log in"), told, open || "", form);
  key.focus();
}
