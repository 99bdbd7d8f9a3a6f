// A panel of an analysis: what is not stored is said with the setting or the command that makes it.

import { get } from "../api.js";
import { panel } from "../panel.js";
import { emptyNotice } from "../states.js";

/** `draw(body, tables, facts, say)` is called where `name` is stored; the others as of `panel`. */
export function analysisPanel({ name, draw, ...how }) {
  return panel({
    load: (signal) => get(`analyses/${name}`, {}, { signal }),
    draw(body, found, say) {
      if (found.stored) return draw(body, found.tables, found.facts, say);
      body.append(emptyNotice(`${found.title}: not stored`, found.what_to_do));
      return null;
    },
    ...how,
  });
}

/** Rows by a column, in the order in which its values first come. */
export function grouped(rows, column) {
  const groups = new Map();
  for (const row of rows) groups.set(row[column], [...(groups.get(row[column]) || []), row]);
  return groups;
}
