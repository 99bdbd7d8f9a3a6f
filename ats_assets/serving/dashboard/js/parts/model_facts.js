// All that is known of a model: the fit, its windows, figures, parameters, and the versions that it was made with.

import { h } from "../dom.js";
import { isKnown, number, words } from "../format.js";

const SHORT = 12;

function facts(list) {
  return h("dl", { class: "facts" }, list.filter(([, value]) => isKnown(value)).map(([name, value]) => [h("dt", {}, name), h("dd", {}, value)]));
}

function windowOf(found) {
  return found ? `${found.first_decision} to ${found.last_decision}, ${number(found.sessions, 0)} sessions, ${number(found.rows, 0)} rows` : null;
}

function version(text) {
  return isKnown(text) ? h("code", { title: text }, String(text).slice(0, SHORT)) : null;
}

function plain(value) {
  return typeof value === "number" ? number(value, Number.isInteger(value) ? 0 : 4) : typeof value === "string" ? value : JSON.stringify(value);
}

function more(title, values) {
  const known = Object.entries(values || {}).filter(([, value]) => isKnown(value));
  return known.length ? h("details", {}, h("summary", {}, `${title} (${known.length})`), facts(known.map(([name, value]) => [name, plain(value)]))) : null;
}

/** `found` as of models/{name}. */
export function modelFacts(found) {
  const taught = found.label ? `${found.label.source}, ${found.label.kind}, over ${found.label.horizon_sessions} sessions` : null;
  const figures = Object.entries(found.figures || {}).map(([name, value]) => [words(name).replace(/\bic\b/, "IC"), isKnown(value) ? plain(value) : null]);
  return h("div", { class: "model-facts" },
    facts([
      ["Status", words(found.status)],
      ["Why there is none", found.reason],
      ["Fitted at", found.fitted_session],
      ["Learnt", taught],
      ["Training", windowOf(found.training_window)],
      ["Validation", windowOf(found.validation_window)],
      ...figures,
      ["Place", `${found.champion ? "Champion" : "Not champion"}${found.why ? `: ${found.why}` : ""}`],
      ["SHA-256 of the model", version(found.sha256)],
      ["Code", version(found.code_version)],
      ["Settings", version(found.settings_version)],
    ]),
    more("Library versions", found.libraries),
    more("Parameters", found.parameters),
    more("Data that it was fitted on", Object.fromEntries(Object.entries(found.data || {}).map(([asset, sessions]) => [asset, typeof sessions === "object" && sessions ? `${Object.keys(sessions).length} partitions` : sessions]))),
  );
}
