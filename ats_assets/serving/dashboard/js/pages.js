// The pages, in the order of the navigation. A page is a module with `show(root, { parts, query })` that fills `root`
// and returns what ends it; `key` is its letter after `g`; one that is `under` another has no entry of its own.

export const PAGES = [
  { name: "dashboard", title: "Dashboard", key: "d", load: () => import("./pages/dashboard.js") },
  { name: "signals", title: "Signals", key: "s", load: () => import("./pages/signals.js") },
  { name: "symbol", title: "Symbol", under: "signals", load: () => import("./pages/symbol.js") },
  { name: "portfolio", title: "Portfolio", key: "p", load: () => import("./pages/portfolio.js") },
  { name: "paper", title: "Paper trading", key: "t", load: () => import("./pages/paper.js") },
  { name: "analytics", title: "Analytics", key: "a", load: () => import("./pages/analytics.js") },
  { name: "data", title: "Data", key: "w", load: () => import("./pages/data.js") },
  { name: "models", title: "Models", key: "m", load: () => import("./pages/models.js") },
  { name: "settings", title: "Settings", key: "c", load: () => import("./pages/settings.js") },
  { name: "login", title: "Log in", under: "login", load: () => import("./pages/login.js") },
];
