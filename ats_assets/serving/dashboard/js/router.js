// Which page is shown: `#/signals?session=2026-11-27`. A page that fails leaves the others reachable.

import { announce, h } from "./dom.js";
import { errorNotice, loading, notice } from "./states.js";
import { PAGES } from "./pages.js";

let close = null;
let turn = 0;

/** The route of now: `{ page, parts, query }`. */
export function currentRoute() {
  const [path, search = ""] = location.hash.replace(/^#\/?/, "").split("?");
  const parts = path.split("/").map((part) => {
    try {
      return decodeURIComponent(part);
    } catch {
      return part; // a lone per cent sign is a name, too
    }
  });
  return { name: parts[0] || "dashboard", parts: parts.slice(1), query: Object.fromEntries(new URLSearchParams(search)) };
}

export function go(hash) {
  if (location.hash === hash) showRoute();
  else location.hash = hash;
}

/** Change the query of the page that is shown, without a step in the history. */
export function keepQuery(query) {
  const { name, parts } = currentRoute();
  const search = new URLSearchParams(Object.entries(query).filter(([, value]) => value)).toString();
  history.replaceState(null, "", `#/${[name, ...parts].map(encodeURIComponent).join("/")}${search ? `?${search}` : ""}`);
}

function mark(name) {
  for (const link of document.querySelectorAll("#pages a")) {
    if (link.dataset.page === name) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
}

/** Show the page of the address. */
export async function showRoute() {
  turn += 1;
  const mine = turn;
  const where = currentRoute();
  const content = document.getElementById("content");
  const page = PAGES.find((one) => one.name === where.name);
  close?.();
  close = null;
  mark(page?.under || page?.name);
  document.title = page ? `${page.title}${where.parts[0] ? ` ${where.parts[0]}` : ""} – ats` : "Not found – ats";
  if (!page) {
    content.replaceChildren(h("h1", {}, "Not found"), notice("error", "There is no such page", { detail: `“${where.name}” is none of the pages.`, whatToDo: "Choose one from the list, or press g and then d for the dashboard." }));
    return;
  }
  content.replaceChildren(h("h1", { class: page.hidesTitle ? "unseen" : "" }, page.title), loading(6));
  announce(page.title);
  try {
    const module = await page.load();
    if (mine !== turn) return;
    const root = h("div", { class: "page", dataset: { page: page.name } });
    content.replaceChildren(root);
    const end = await module.show(root, where);
    if (mine === turn) close = end || null;
    else end?.();
  } catch (error) {
    if (mine !== turn) return;
    if (!error.kind) console.error(error);
    content.replaceChildren(h("h1", {}, page.title), errorNotice(error, showRoute));
  }
}

export function startRouter() {
  addEventListener("hashchange", () => {
    showRoute();
    document.getElementById("content").focus({ preventScroll: true });
    scrollTo(0, 0);
  });
  return showRoute();
}
