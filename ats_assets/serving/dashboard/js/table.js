// Tables: sorted by a click or Enter on a heading, arrows move between rows, Enter opens one; thousands of rows are
// added as they come into view. Where rows are renewed, only cells that changed are.

import { announce, h } from "./dom.js";
import { DASH, isKnown } from "./format.js";
import { emptyNotice } from "./states.js";

const BATCH = 100;
const remembered = new Map(); // page and caption -> how that table was sorted and filtered: a table that is made anew stays so

function compare(a, b) {
  const [missingA, missingB] = [!isKnown(a), !isKnown(b)];
  if (missingA || missingB) return missingA - missingB;
  const [x, y] = [Number(a), Number(b)];
  if (!Number.isNaN(x) && !Number.isNaN(y)) return x - y;
  return String(a).localeCompare(String(b), "en", { numeric: true });
}

function kindOf(column) {
  return `${column.kind || "number"}${column.wideOnly ? " wide-only" : ""}`;
}

function cellOf(column, row) {
  const content = column.show ? column.show(row) : row[column.name];
  const cell = h(column.heading ? "th" : "td", { class: kindOf(column), scope: column.heading ? "row" : null });
  cell.append(content instanceof Node ? content : isKnown(content) ? String(content) : DASH);
  return cell;
}

/**
 * Make a table.
 *
 * `columns`: `{ name, title, unit?, kind: "number" | "text" | "wide", show?(row), by?(row), heading?, tip?, wideOnly? }`; `by` is
 * what a column is sorted by (default: the row's own value), `wideOnly` leaves it out on a phone. `open(row)` is what Enter or a click on a row does.
 * `filter: true` adds a box that filters by text. Returns `{ node, update(rows) }`.
 */
export function table({ columns, rows, caption, sort = null, down = false, open = null, filter = false, empty = null, height = null, key = null }) {
  let shown = [];
  let current = rows;
  const place = `${location.hash.split("?")[0]}|${caption}`;
  let { order, sought } = remembered.get(place) || { order: { name: sort, down }, sought: "" };
  let count = 0;
  const valueOf = (column, row) => (column.by ? column.by(row) : row[column.name]);
  const body = h("tbody");
  const headings = columns.map((column) => {
    const title = h("span", {}, column.title, column.unit ? h("span", { class: "unit" }, ` ${column.unit}`) : null);
    const arrow = h("span", { class: "arrow", "aria-hidden": "true" });
    const content = (column.kind || "number") === "number" ? [arrow, title] : [title, arrow];
    const button = h("button", { type: "button", title: column.tip, onclick: () => sortBy(column) }, content);
    return h("th", { class: kindOf(column), scope: "col" }, button);
  });
  const told = h("span", { class: "muted" });
  const grid = h("table", {}, h("caption", { class: "unseen" }, caption), h("thead", {}, h("tr", {}, headings)), body);
  const end = h("div", { class: "table-end" });
  const scroll = h("div", { class: "scroll", tabindex: "0", role: "group", "aria-label": caption, style: height ? { "max-height": height } : {} }, grid, end);
  const box = h("input", { type: "search", placeholder: "Filter", "aria-label": `Filter: ${caption}`, value: sought, oninput: () => { sought = box.value.trim().toLowerCase(); remember(); draw(); } });
  const node = h("div", { class: "table" }, filter ? h("div", { class: "table-tools" }, box, told) : null, scroll);
  const watcher = new IntersectionObserver((seen) => seen.some((one) => one.isIntersecting) && more(), { root: scroll, rootMargin: "400px" });
  watcher.observe(end);

  function remember() {
    remembered.set(place, { order, sought });
  }

  function sortBy(column) {
    const same = order.name === column.name;
    order = { name: column.name, down: same ? !order.down : (column.kind || "number") === "number" };
    remember();
    draw();
    announce(`Sorted by ${column.title}, ${order.down ? "descending" : "ascending"}`);
  }

  function line(row) {
    const made = h("tr", { tabindex: open ? "-1" : null }, columns.map((column) => cellOf(column, row)));
    if (open) {
      made.classList.add("opens");
      made.addEventListener("click", (event) => event.target.closest("a, button") || window.getSelection().toString() || open(row));
      made.addEventListener("keydown", (event) => event.key === "Enter" && event.target === made && open(row));
    }
    return made;
  }

  function more() {
    const next = shown.slice(count, count + BATCH);
    count += next.length;
    body.append(...next.map(line));
    const first = body.querySelector("tr");
    if (open && first && !body.querySelector('tr[tabindex="0"]')) first.tabIndex = 0;
  }

  function draw() {
    const column = columns.find((one) => one.name === order.name);
    shown = sought ? current.filter((row) => columns.some((one) => String(valueOf(one, row) ?? "").toLowerCase().includes(sought))) : [...current];
    if (column) {
      const keyed = shown.map((row) => [valueOf(column, row), row]);
      const known = keyed.filter(([value]) => isKnown(value)).sort(([a], [b]) => (order.down ? -compare(a, b) : compare(a, b)));
      shown = [...known, ...keyed.filter(([value]) => !isKnown(value))].map(([, row]) => row);
    }
    headings.forEach((heading, i) => {
      if (columns[i].name === order.name) heading.setAttribute("aria-sort", order.down ? "descending" : "ascending");
      else heading.removeAttribute("aria-sort");
    });
    told.textContent = shown.length === current.length ? `${current.length} rows` : `${shown.length} of ${current.length} rows`;
    body.replaceChildren();
    count = 0;
    if (shown.length) more();
    else body.append(h("tr", {}, h("td", { class: "text", colspan: columns.length }, sought ? emptyNotice(`No row has “${sought}”`, "Empty the filter to see all.") : empty || emptyNotice("There are no rows yet"))));
  }

  body.addEventListener("keydown", (event) => {
    const at = event.target.closest("tr");
    if (!at || event.target !== at) return;
    const steps = { ArrowDown: at.nextElementSibling, ArrowUp: at.previousElementSibling, Home: body.firstElementChild, End: body.lastElementChild };
    const next = steps[event.key];
    if (!next) return;
    event.preventDefault();
    at.tabIndex = -1;
    next.tabIndex = 0;
    next.focus();
    if (next === body.lastElementChild) more();
  });

  function update(next) {
    const before = key ? new Map(current.map((row) => [row[key], row])) : null;
    const same = before && next.length === current.length && next.every((row) => before.has(row[key]));
    current = next;
    if (!same) return draw();
    const now = new Map(next.map((row) => [row[key], row]));
    shown.slice(0, count).forEach((row, i) => {
      const renewed = now.get(row[key]);
      shown[i] = renewed;
      columns.forEach((column, j) => {
        if (valueOf(column, row) === valueOf(column, renewed)) return;
        const cell = cellOf(column, renewed);
        cell.classList.add("changed");
        body.children[i].children[j].replaceWith(cell);
      });
    });
    shown = shown.map((row, i) => (i < count ? row : now.get(row[key])));
    return undefined;
  }

  draw();
  return { node, update };
}
