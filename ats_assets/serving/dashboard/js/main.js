// The shell: navigation, header, keyboard, theme, who looks, and whether the service answers.

import { findPerson, get, logOut, onPerson, whoLooks } from "./api.js";
import { findSymbol, showShortcuts } from "./dialogs.js";
import { h, route } from "./dom.js";
import { ago, words } from "./format.js";
import { onGo, onKey, startKeyboard } from "./keyboard.js";
import { liveState, onLiveState, onMessages, reachable, renewWhenSeen, startLive } from "./live.js";
import { PAGES } from "./pages.js";
import { currentRoute, go, startRouter } from "./router.js";
import { followSystem, switchTheme } from "./theme.js";

const LOOK_MS = 15_000;
const SAID = { unknown: "Connecting", live: "Live", polling: "Every 15 s", offline: "No answer", stale: "Not current" };
const BEHIND = new Set(["unreadable", "lost"]);
const byId = (id) => document.getElementById(id);
let heardAt = null;
let behind = []; // what the service itself can't follow now, and why

function navigation() {
  const list = h("ul");
  const nav = byId("pages");
  nav.append(list);
  for (const page of PAGES.filter((one) => !one.under)) {
    const link = h("a", { href: route(page.name), dataset: { page: page.name } }, h("span", {}, page.title), h("kbd", { "aria-hidden": "true" }, `g ${page.key}`));
    list.append(h("li", {}, link));
    onGo(page.key, page.title, () => go(route(page.name)));
  }
  nav.addEventListener("click", (event) => event.target.closest("a") && openMenu(false));
}

function openMenu(open) {
  document.body.classList.toggle("menu-open", open);
  byId("menu").setAttribute("aria-expanded", String(open));
}

function header() {
  byId("menu").addEventListener("click", () => openMenu(!document.body.classList.contains("menu-open")));
  byId("find").addEventListener("click", findSymbol);
  byId("theme").addEventListener("click", switchTheme);
  byId("help").addEventListener("click", showShortcuts);
  byId("person").addEventListener("click", async () => {
    if (whoLooks()?.name && !whoLooks().open) await logOut().catch(() => null);
    else go(route("login"));
  });
  byId("skip").addEventListener("click", (event) => {
    event.preventDefault();
    byId("content").focus();
  });
}

function keys() {
  onKey("/", "Find a symbol", findSymbol);
  onKey("?", "Show this sheet", showShortcuts);
  onKey("t", "Switch between light and dark", switchTheme);
  startKeyboard();
}

function showPerson(person, trouble) {
  const named = person && !person.open;
  const kind = byId("account-kind");
  kind.hidden = !person?.money;
  kind.dataset.kind = person?.money || "";
  kind.textContent = person?.money === "live" ? "Live money" : "Paper";
  byId("person").textContent = named ? `Log out (${person.name})` : "Log in";
  byId("person").title = person ? `Role: ${person.role}${person.writes ? "" : "; nothing can be written from here"}` : "";
  if (trouble?.kind === "ended" && currentRoute().name !== "login") go(route("login", [], { back: location.hash.slice(1), ended: "yes" }));
}

function showConnection(given) {
  const place = byId("connection");
  const state = given === "live" && behind.length ? "stale" : given;
  place.dataset.state = state;
  place.replaceChildren(h("span", { class: "said" }, SAID[state]));
  place.title = state === "stale" ? behind.join("; ") : heardAt ? `The service answered ${ago(heardAt.toISOString())}` : "";
}

/** Which session is the newest, and whether the service answers at all. */
async function look() {
  try {
    const { newest } = await get("sessions", { limit: 1 });
    heardAt = new Date();
    reachable(true);
    byId("session").textContent = newest ? `Session ${newest}` : "No session is stored yet";
  } catch (error) {
    if (error.kind === "offline") reachable(false);
    else if (error.kind) reachable(true);
    else throw error;
  }
  showConnection(liveState());
}

async function start() {
  navigation();
  header();
  keys();
  followSystem();
  renewWhenSeen();
  onLiveState(showConnection);
  onMessages("feed", (messages) => {
    const rows = [...messages.at(-1).rows.values()].filter((row) => BEHIND.has(row.state));
    behind = rows.map((row) => `${words(row.key)}: ${row.reason || row.state}`);
    showConnection(liveState());
  });
  onPerson(showPerson);
  onPerson((person) => person && look());
  const known = findPerson().catch(() => null);
  startRouter();
  setInterval(look, LOOK_MS);
  await known;
  if (!whoLooks()) look();
  startLive();
}

start();
