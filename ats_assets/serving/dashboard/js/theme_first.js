// Before anything is drawn, so that no page flashes in the other theme: the one chosen here, else the system's.
(() => {
  let chosen = null;
  try {
    chosen = localStorage.getItem("ats-theme");
  } catch {
    // storage is closed to this page: the system's theme then
  }
  const dark = matchMedia("(prefers-color-scheme: dark)").matches;
  document.documentElement.dataset.theme = chosen === "dark" || chosen === "light" ? chosen : dark ? "dark" : "light";
})();
