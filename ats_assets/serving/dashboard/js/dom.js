// Elements from data. Text becomes text nodes and attributes are set one by one: no data is ever read as HTML.

/**
 * An element: `h("td", { class: "number", onclick }, "1.2", other)`.
 * Children that are null, undefined or false are left out; `style` is an object of properties, custom ones included.
 */
export function h(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (name === "class") node.className = value;
    else if (name === "style") for (const [property, text] of Object.entries(value)) node.style.setProperty(property, text);
    else if (name === "dataset") Object.assign(node.dataset, value);
    else if (name.startsWith("on") && typeof value === "function") node.addEventListener(name.slice(2), value);
    else node.setAttribute(name, value === true ? "" : String(value));
  }
  node.append(...children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false));
  return node;
}

const SVG = "http://www.w3.org/2000/svg";

/** The same for SVG. */
export function s(tag, attributes = {}, ...children) {
  const node = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) if (value !== null && value !== undefined) node.setAttribute(name, String(value));
  node.append(...children.flat(Infinity).filter(Boolean));
  return node;
}

/** Say something to who does not see the page change. */
export function announce(text) {
  const place = document.getElementById("announcer");
  if (place) place.textContent = text;
}

/** The route of a page: `route("symbol", ["AAPL"], { session })` is `#/symbol/AAPL?session=…`. */
export function route(page, parts = [], query = {}) {
  const path = ["#", page, ...parts.map((part) => encodeURIComponent(part))].join("/");
  const wanted = Object.entries(query).filter(([, value]) => value !== null && value !== undefined && value !== "");
  const search = new URLSearchParams(wanted.map(([name, value]) => [name, String(value)])).toString();
  return search ? `${path}?${search}` : path;
}

/** A symbol, as a link to its page. */
export function symbolLink(symbol, query = {}) {
  return h("a", { href: route("symbol", [symbol], query), class: "symbol" }, symbol);
}

let numbered = 0;

/** An id that no other element has. */
export function freshId(stem) {
  numbered += 1;
  return `${stem}-${numbered}`;
}
