// Light and dark: the system's preference until a person switches. Charts are told, since a canvas does not follow CSS.

const listeners = new Set();

export function currentTheme() {
  return document.documentElement.dataset.theme;
}

/** The value of a design token, such as `gain`, in the theme of now. */
export function token(name) {
  return getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
}

export function setTheme(theme, { keep = true } = {}) {
  document.documentElement.dataset.theme = theme;
  if (keep) {
    try {
      localStorage.setItem("ats-theme", theme);
    } catch {
      // it lasts until the page is left then
    }
  }
  for (const listener of listeners) listener(theme);
}

export function switchTheme() {
  setTheme(currentTheme() === "dark" ? "light" : "dark");
}

/** Call `listener(theme)` after each switch; returns what ends that. */
export function onTheme(listener) {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

/** Follow the system while nobody has chosen. */
export function followSystem() {
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", (event) => {
    let chosen = null;
    try {
      chosen = localStorage.getItem("ats-theme");
    } catch {
      // nothing is chosen where nothing can be kept
    }
    if (!chosen) setTheme(event.matches ? "dark" : "light", { keep: false });
  });
}
