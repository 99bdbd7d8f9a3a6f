// What a page must have for who uses a keyboard or a screen reader, or sees little: returns what is wrong, in words.
// An oracle beside it, axe-core 4.14, finds nothing more on these pages; it is 0.7 MB and is not kept here.
() => {
  const wrong = [];
  const visible = (node) => node.getClientRects().length > 0 && getComputedStyle(node).visibility !== "hidden";
  const nameOf = (node) => {
    const by = node.getAttribute("aria-labelledby");
    const label = node.id && document.querySelector(`label[for="${CSS.escape(node.id)}"]`);
    const told = by ? by.split(" ").map((id) => document.getElementById(id)?.textContent || "").join(" ") : node.getAttribute("aria-label");
    return (told || label?.textContent || node.closest("label")?.textContent || node.textContent || node.title || "").trim();
  };
  const said = (node) => node.outerHTML.slice(0, 90);

  for (const [tag, count] of [["main", 1], ["nav", 1], ["body > header", 1], ["body > footer", 1], ["h1", 1]]) {
    const found = document.querySelectorAll(tag).length;
    if (found !== count) wrong.push(`${found} of ${tag}, not ${count}`);
  }
  if (!document.documentElement.lang || !document.title) wrong.push("no language or no title");
  const ids = [...document.querySelectorAll("[id]")].map((node) => node.id);
  if (new Set(ids).size !== ids.length) wrong.push("an id is used twice");
  for (const node of document.querySelectorAll("[aria-labelledby], [aria-controls]")) {
    for (const id of (node.getAttribute("aria-labelledby") || node.getAttribute("aria-controls")).split(" ")) if (!document.getElementById(id)) wrong.push(`${said(node)} names ${id}, which is not there`);
  }
  for (const node of document.querySelectorAll("a[href], button, input, select, summary, section, figure, [role=group], [role=img]")) if (!nameOf(node)) wrong.push(`no name: ${said(node)}`);
  for (const node of document.querySelectorAll("[tabindex]")) if (node.tabIndex > 0) wrong.push(`an order of its own: ${said(node)}`);
  for (const node of document.querySelectorAll("table:not([aria-hidden] *)")) {
    if (!node.caption) wrong.push("a table without a caption");
    if (!node.querySelector("th[scope=col]")) wrong.push(`a table without headings: ${node.caption?.textContent}`);
  }
  let level = 0;
  for (const node of document.querySelectorAll("h1, h2, h3, h4")) {
    const next = Number(node.tagName[1]);
    if (next > level + 1) wrong.push(`a heading is left out before ${said(node)}`);
    level = next;
  }
  for (const node of document.querySelectorAll(".scroll")) {
    const scrolls = node.scrollHeight > node.clientHeight + 1 || node.scrollWidth > node.clientWidth + 1;
    if (scrolls && node.tabIndex < 0) wrong.push(`it scrolls, and no key reaches it: ${said(node)}`);
  }

  const canvas = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
  const rgba = (text) => {
    canvas.clearRect(0, 0, 1, 1);
    canvas.fillStyle = text;
    canvas.fillRect(0, 0, 1, 1);
    return [...canvas.getImageData(0, 0, 1, 1).data];
  };
  const light = ([r, g, b]) => [r, g, b].map((v) => v / 255).map((v) => (v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)).reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
  const ground = (node) => {
    for (let at = node; at; at = at.parentElement) {
      const colour = rgba(getComputedStyle(at).backgroundColor);
      if (colour[3] > 250) return colour;
    }
    return [255, 255, 255, 255];
  };
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  const seen = new Set();
  while (walker.nextNode()) {
    const node = walker.currentNode.parentElement;
    if (!walker.currentNode.textContent.trim() || seen.has(node) || !visible(node) || node.closest("[disabled], .unseen, script, noscript")) continue;
    seen.add(node);
    const style = getComputedStyle(node);
    const [a, b] = [light(rgba(style.color)), light(ground(node))].sort((x, y) => y - x);
    const large = parseFloat(style.fontSize) >= 24 || (parseFloat(style.fontSize) >= 18.66 && Number(style.fontWeight) >= 700);
    const ratio = (a + 0.05) / (b + 0.05);
    if (ratio < (large ? 3 : 4.5)) wrong.push(`contrast ${ratio.toFixed(2)}: ${said(node)}`);
  }
  return [...new Set(wrong)];
}
