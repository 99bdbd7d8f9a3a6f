// The current settings: each value with its default, where it comes from and what it is. They are changed in files alone.

import { all } from "../api.js";
import { h } from "../dom.js";
import { words } from "../format.js";
import { panel, panels } from "../panel.js";
import { choices } from "../parts/choices.js";
import { emptyNotice } from "../states.js";
import { table } from "../table.js";

const CHANGED = [["changed", "Changed"], ["all", "All"]];

/** As `ats config show` writes it: texts in quotes, nothing as (none). */
function said(value) {
  return value === null || value === undefined ? "(none)" : JSON.stringify(value);
}

function sameAsDefault(row) {
  return said(row.value) === said(row.default);
}

function currentSettings() {
  let [only, section] = ["changed", ""];
  const sections = h("select", { "aria-label": "Section", onchange: () => { section = sections.value; made.renew(); } }, h("option", { value: "" }, "All sections"));

  function fillSections(data) {
    if (sections.childElementCount > 1) return;
    const names = [...new Set(data.map((row) => row.name.split(".")[0]))].sort();
    sections.append(...names.map((name) => h("option", { value: name }, name)));
  }

  const made = panel({
    title: "In force",
    note: "secrets are never told; a value that looks like one is ***",
    size: "whole",
    lines: 12,
    tools: [sections, choices("Which settings", CHANGED, only, (one) => { only = one; made.renew(); })],
    load: async (signal) => ({ only, section, ...(await all("settings", {}, { signal })) }),
    draw(body, { data }) {
      fillSections(data);
      const of = data.filter((row) => !section || row.name.split(".")[0] === section);
      const changed = of.filter((row) => row.comes_from !== "default");
      const shown = only === "changed" ? changed : [...changed, ...of.filter((row) => row.comes_from === "default")];
      body.append(table({
        caption: "Current settings",
        filter: true,
        height: "70vh",
        rows: shown,
        empty: emptyNotice(`All ${of.length} settings are as by default`, "Choose “All” to see them; write what shall be otherwise into the settings file."),
        columns: [
          { name: "name", title: "Setting", kind: "text", heading: true, show: (row) => h("code", {}, row.name) },
          { name: "value", title: "Value", kind: "wide", by: (row) => said(row.value), show: (row) => h("code", { class: sameAsDefault(row) ? null : "differs" }, said(row.value)) },
          { name: "default", title: "Default", kind: "wide", by: (row) => said(row.default), show: (row) => h("code", { class: "muted" }, said(row.default)) },
          { name: "about", title: "What it is", kind: "wide" },
          { name: "comes_from", title: "From", kind: "text", show: (row) => words(row.comes_from) },
          { name: "origin", title: "Where", kind: "text", show: (row) => (row.comes_from === "default" ? "–" : h("code", {}, row.origin)) },
        ],
      }).node);
      body.append(h("p", { class: "muted" }, `${changed.length} of ${of.length} settings are written; the others are as by default.`));
    },
  });
  return made;
}

export function show(root) {
  root.append(
    h("div", { class: "page-head" }, h("h1", {}, "Settings")),
    h("p", { class: "muted" }, "Settings are changed in files and the environment alone, never here: what decides about money has one place, with its history. ", h("code", {}, "ats config diff"), " shows what a changed file would change; the service reads it when it starts again."),
  );
  return panels(root, [currentSettings()]);
}
