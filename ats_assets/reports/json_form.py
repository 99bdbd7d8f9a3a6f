"""A report as JSON: each figure as it was computed, and every section with its tables, figures and series, for programs that read what people see.

The form is described in docs/report.md. Its version changes where a reader would have to: a field is renamed, removed or means something else.
"""

import json
import math
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any, cast

from ats_assets.reports.charts import Chart
from ats_assets.reports.formatting import number_of
from ats_assets.reports.page_blocks import Block, Callout, Cards, Heading, HeatMap, Note, Pair, Table
from ats_assets.reports.report_content import ReportContent

SCHEMA, SCHEMA_VERSION = "ats_assets.report", 1


def report_json(content: ReportContent) -> str:
    """The report as JSON, without NaN: what is not known is null. The same content gives the same bytes."""
    written = {
        "schema": SCHEMA,
        "schema_version": SCHEMA_VERSION,
        "title": content.title,
        "subtitle": content.subtitle,
        "figures": without_nan(content.figures),
        "sections": [
            {"name": part.name, "title": part.title, "blocks": [one for block in part.blocks for one in _blocks(block)]}
            for part in content.parts
        ],
        "footer": content.footer,
    }
    return json.dumps(written, ensure_ascii=False, allow_nan=False, separators=(",", ":")) + "\n"


def without_nan(value: Any) -> Any:
    """The same as JSON knows it: null for NaN and infinities, ISO dates.

    Examples
    --------
    >>> without_nan({"sharpe": float("nan"), "first": date(2024, 1, 2), 5: (1, 2.5)})
    {'sharpe': None, 'first': '2024-01-02', '5': [1, 2.5]}
    """
    if isinstance(value, Mapping):
        return {str(key): without_nan(item) for key, item in cast("Mapping[Any, Any]", value).items()}
    if isinstance(value, list | tuple):
        return [without_nan(item) for item in cast("Sequence[Any]", value)]
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    return value.isoformat() if isinstance(value, date) else value


def _blocks(block: Block) -> list[dict[str, Any]]:
    """A block as a list of objects: a pair is what is in it."""
    match block:
        case Table():
            return [{"kind": "table", "caption": block.caption, "columns": [*block.columns], **_cells(block.rows)}]
        case HeatMap():
            rows = [(row.name, *(text for text, _ in row.cells)) for row in block.rows]
            return [{"kind": "heat_map", "caption": block.caption, "columns": ["", *block.columns], **_cells(rows)}]
        case Chart():
            return [{"kind": "chart", "id": block.id, "title": block.title, "note": block.note, "data": without_nan(block.readout)}]
        case Cards():
            cards = [{"name": one.name, "text": one.value, "value": number_of(one.value), "note": one.note} for one in block.headlines]
            return [{"kind": "cards", "cards": cards}]
        case Heading():
            return [{"kind": "heading", "text": block.text, "note": block.note}]
        case Note():
            return [{"kind": "note", "text": block.text}]
        case Callout():
            return [{"kind": "callout", "text": block.text, "detail": block.detail, "tone": block.tone}]
        case Pair():
            return [one for cell in block.cells for inner in cell for one in _blocks(inner)]


def _cells(rows: Sequence[Sequence[str]]) -> dict[str, Any]:
    """The texts of a table, and where a text is a number, the number."""
    return {"rows": [[*row] for row in rows], "values": [[number_of(text) for text in row] for row in rows]}
