"use strict";
// Light or dark, linear or logarithmic, and what the charts say at the pointer. The page is complete without it.
const root = document.documentElement;
document.getElementById("theme").addEventListener("click", () => {
  const dark = root.dataset.theme ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
  root.dataset.theme = dark ? "light" : "dark";
});
for (const button of document.querySelectorAll("button.scale")) {
  button.addEventListener("click", () => {
    const log = button.closest("figure").classList.toggle("logarithmic");
    button.setAttribute("aria-pressed", String(log));
  });
}
const written = (value, unit) => value === null ? "–"
  : (unit === "money" ? Math.round(value) : value).toLocaleString("en-US", { maximumSignificantDigits: unit === "money" ? 12 : 4 }).replace("-", "−") + (unit === "%" ? "%" : "");
const named = (first, gaps) => {
  let time = Date.parse(first);
  return first ? [first, ...gaps.map((gap) => new Date(time += gap * 864e5).toISOString().slice(0, 10))] : [];
};
for (const script of document.querySelectorAll('figure > script[type="application/json"]')) {
  const plot = script.parentElement.querySelector(".plot");
  const read = JSON.parse(script.textContent);
  const days = read.days ?? named(read.first, read.gaps);
  const n = days.length;
  if (!n) continue;
  const line = plot.appendChild(Object.assign(document.createElement("div"), { className: "pointer" }));
  const box = plot.appendChild(Object.assign(document.createElement("div"), { className: "readout" }));
  plot.addEventListener("pointermove", (event) => {
    const area = plot.querySelector("svg").getBoundingClientRect();
    const share = Math.min(1, Math.max(0, (event.clientX - area.left) / area.width));
    const i = read.bars ? Math.min(n - 1, Math.floor(share * n)) : Math.round(share * (n - 1));
    const at = (read.bars ? (i + 0.5) / n : n > 1 ? i / (n - 1) : 0) * area.width;
    box.replaceChildren(...[days[i], ...read.series.map(([name, unit, values]) => `${name} ${written(values[i], unit)}`)].map((text) =>
      Object.assign(document.createElement("div"), { textContent: text })));
    line.style.left = `${area.left - plot.getBoundingClientRect().left + at}px`;
    const side = share < 0.5 ? [line.style.left, "auto", "10px"] : ["auto", `${plot.getBoundingClientRect().right - area.left - at}px`, "0 10px 0 0"];
    [box.style.left, box.style.right] = side;
    box.style.margin = share < 0.5 ? "0 0 0 10px" : "0 10px 0 0";
    plot.classList.add("pointed");
  });
  plot.addEventListener("pointerleave", () => plot.classList.remove("pointed"));
}
const links = new Map([...document.querySelectorAll("nav .links a")].map((link) => [link.hash.slice(1), link]));
const seen = new IntersectionObserver((entries) => {
  for (const entry of entries) if (entry.isIntersecting) {
    for (const link of links.values()) link.removeAttribute("aria-current");
    const link = links.get(entry.target.id);
    if (!link) continue;
    link.setAttribute("aria-current", "true");
    const bar = link.parentElement;  // where there are more links than room
    bar.scrollLeft = link.offsetLeft - bar.offsetLeft - (bar.clientWidth - link.offsetWidth) / 2;
  }
}, { rootMargin: "-15% 0px -75% 0px" });
for (const section of document.querySelectorAll("main > section")) seen.observe(section);
