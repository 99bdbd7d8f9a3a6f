// The keyboard: single keys, and `g` followed by the letter of a page. Nothing is taken from who writes in a field.

const WAIT_MS = 1_200;
const single = new Map(); // key -> { title, run }
const after = new Map(); // letter after g -> { title, run }
let waiting = null;

export function onKey(key, title, run) {
  single.set(key, { title, run });
}

export function onGo(letter, title, run) {
  after.set(letter, { title, run });
}

/** What there is, for the sheet that `?` shows: [keys, what they do] of each. */
export function shortcuts() {
  const go = [...after].map(([letter, { title }]) => [["g", letter], title]);
  const rest = [...single].map(([key, { title }]) => [[key], title]);
  return [...go, ...rest];
}

function writes(target) {
  return target instanceof HTMLElement && (target.isContentEditable || ["INPUT", "TEXTAREA", "SELECT"].includes(target.tagName));
}

function pressed(event) {
  if (event.ctrlKey || event.metaKey || event.altKey || writes(event.target) || document.querySelector("dialog[open]")) return;
  const gone = waiting;
  clearTimeout(waiting);
  waiting = null;
  if (gone && after.has(event.key)) {
    event.preventDefault();
    after.get(event.key).run();
    return;
  }
  if (event.key === "g") {
    waiting = setTimeout(() => { waiting = null; }, WAIT_MS);
    return;
  }
  if (!single.has(event.key)) return;
  event.preventDefault();
  single.get(event.key).run();
}

export function startKeyboard() {
  document.addEventListener("keydown", pressed);
}
