// Dialogs: the sheet of shortcuts, finding a symbol, and confirming what can't be taken back. Escape closes each.

import { freshId, h, route } from "./dom.js";
import { all } from "./api.js";
import { shortcuts } from "./keyboard.js";

/** A dialog that is shown, and removed when it closes. */
export function opened(title, content, { className = "" } = {}) {
  const id = freshId("dialog");
  const dialog = h("dialog", { class: className, "aria-labelledby": id }, h("h2", { id }, title), content);
  dialog.addEventListener("close", () => dialog.remove());
  dialog.addEventListener("click", (event) => event.target === dialog && dialog.close());
  document.body.append(dialog);
  dialog.showModal();
  return dialog;
}

export function showShortcuts() {
  const rows = shortcuts().map(([keys, title]) => h("tr", {}, h("th", { scope: "row", class: "text" }, keys.map((key, i) => [i ? " then " : "", h("kbd", {}, key)])), h("td", { class: "text" }, title)));
  const more = [["Enter", "open the row, or sort by the heading"], ["↑ ↓ Home End", "move between rows of a table"], ["← →", "move along a chart"], ["Esc", "close a dialog"]];
  const rest = more.map(([keys, title]) => h("tr", {}, h("th", { scope: "row", class: "text" }, h("kbd", {}, keys)), h("td", { class: "text" }, title)));
  const dialog = opened("Keyboard", [h("table", { class: "plain" }, h("tbody", {}, rows, rest)), h("form", { method: "dialog" }, h("button", {}, "Close"))]);
  dialog.querySelector("form button").focus();
}

let known = null;

async function knownSymbols() {
  known ||= all("symbols").catch((error) => {
    known = null;
    throw error;
  });
  return (await known).data.map((row) => (typeof row === "string" ? { symbol: row } : row));
}

/** Those that begin with what is sought, then those that hold it. */
export function matching(symbols, sought, most = 12) {
  const wanted = sought.trim().toUpperCase();
  const holds = symbols.filter(({ symbol, name }) => `${symbol} ${name || ""}`.toUpperCase().includes(wanted));
  const begins = holds.filter(({ symbol }) => symbol.toUpperCase().startsWith(wanted));
  return [...begins, ...holds.filter((one) => !begins.includes(one))].slice(0, most);
}

/** Find a symbol by some of its letters; Enter opens its page. */
export function findSymbol() {
  const list = h("ul", { class: "found", role: "listbox", "aria-label": "Symbols", id: freshId("found") });
  const told = h("p", { class: "muted", role: "status" }, "Loading symbols");
  const box = h("input", { type: "text", role: "combobox", "aria-label": "Symbol", "aria-expanded": "true", "aria-controls": list.id, "aria-autocomplete": "list", autocomplete: "off", spellcheck: "false", placeholder: "Symbol, such as AAPL" });
  const dialog = opened("Find symbol", [box, told, list], { className: "finder" });
  let symbols = [];
  let at = 0;

  function openAt(symbol) {
    dialog.close();
    location.hash = route("symbol", [symbol]);
  }

  function draw() {
    const found = matching(symbols, box.value);
    at = Math.min(at, Math.max(0, found.length - 1));
    list.replaceChildren(...found.map((one, i) => h("li", { role: "option", id: `${list.id}-${i}`, "aria-selected": String(i === at), onclick: () => openAt(one.symbol) }, h("span", { class: "symbol" }, one.symbol), one.name ? h("span", { class: "muted" }, one.name) : null)));
    if (found.length) box.setAttribute("aria-activedescendant", `${list.id}-${at}`);
    else box.removeAttribute("aria-activedescendant");
    told.textContent = found.length ? "" : symbols.length ? `None of ${symbols.length} symbols has “${box.value}”. Enter looks it up all the same.` : "No symbols are stored yet: ats run makes them.";
    return found;
  }

  box.addEventListener("input", () => { at = 0; draw(); });
  box.addEventListener("keydown", (event) => {
    const found = matching(symbols, box.value);
    if (event.key === "ArrowDown") at = Math.min(at + 1, found.length - 1);
    else if (event.key === "ArrowUp") at = Math.max(at - 1, 0);
    else if (event.key === "Enter" && (found[at] || box.value.trim())) openAt(found[at]?.symbol || box.value.trim().toUpperCase());
    else return;
    event.preventDefault();
    if (dialog.open) draw();
  });
  box.focus();
  knownSymbols().then((rows) => { symbols = rows; draw(); }, (error) => { told.textContent = `${error.title}. ${error.whatToDo || ""} Enter opens what you write.`; });
}

/** Ask for a line of text; resolves to it, or to null where the person went back. */
export function askFor(title, label, { yes, note = "" }) {
  return new Promise((resolve) => {
    const box = h("input", { required: true, maxlength: "300", autocomplete: "off" });
    const form = h("form", { method: "dialog", class: "asked" }, h("label", {}, label, box), h("div", { class: "buttons" }, h("button", { value: "no", formnovalidate: true }, "Back"), h("button", { value: "yes", class: "strong" }, yes)));
    const dialog = opened(title, [note ? h("p", { class: "muted" }, note) : null, form]);
    dialog.addEventListener("close", () => resolve(dialog.returnValue === "yes" ? box.value.trim() || null : null));
    box.focus();
  });
}

/** Ask before something is done; resolves to whether it may be. `lines` are [what, how] pairs that say it exactly. */
export function confirmed(title, lines, { yes = "Confirm", note = "" } = {}) {
  return new Promise((resolve) => {
    const facts = h("dl", { class: "facts" }, lines.map(([what, how]) => [h("dt", {}, what), h("dd", {}, how)]));
    const buttons = h("form", { method: "dialog", class: "buttons" }, h("button", { value: "no" }, "Back"), h("button", { value: "yes", class: "strong" }, yes));
    const dialog = opened(title, [facts, note ? h("p", { class: "muted" }, note) : null, buttons]);
    dialog.addEventListener("close", () => resolve(dialog.returnValue === "yes"));
    buttons.querySelector("button").focus();
  });
}
