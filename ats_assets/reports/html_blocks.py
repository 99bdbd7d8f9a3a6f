"""How the blocks of a report are written as HTML. Every text is escaped here, whoever gives it."""

import json
from collections.abc import Sequence
from typing import Any

from markupsafe import Markup

from ats_assets.reports.charts import Chart
from ats_assets.reports.page_blocks import Block, Callout, Cards, Heading, Headline, HeatMap, Note, Pair, Table


def html_of(blocks: Sequence[Block]) -> Markup:
    """The blocks one after the other."""
    return Markup("\n").join(_html(block) for block in blocks)


def script_json(value: Any) -> Markup:
    """JSON that can stand inside a script element."""
    return Markup(json.dumps(value, separators=(",", ":"), allow_nan=False).replace("<", "\\u003c"))  # noqa: S704 - escaped here


def _html(block: Block) -> Markup:
    match block:
        case Table():
            return _table(block)
        case HeatMap():
            return _heat_map(block)
        case Chart():
            return _chart(block)
        case Cards():
            return Markup('<div class="cards">{}</div>').format(Markup("").join(map(_card, block.headlines)))
        case Heading():
            return Markup("<h3>{}</h3>").format(block.text) + (_note(block.note) if block.note else Markup(""))
        case Note():
            return _note(block.text)
        case Callout():
            detail = Markup(' <span class="muted">{}</span>').format(block.detail) if block.detail else Markup("")
            return Markup('<p class="callout {}"><b>{}</b>{}</p>').format(block.tone, block.text, detail)
        case Pair():
            return Markup('<div class="pair">{}</div>').format(
                Markup("").join(Markup("<div>{}</div>").format(html_of(cell)) for cell in block.cells)
            )


def _note(text: str) -> Markup:
    return Markup('<p class="note">{}</p>').format(text)


def _card(one: Headline) -> Markup:
    value = Markup('<div class="value {}">{}</div>').format(one.tone, one.value)
    return Markup('<div class="card"><div class="name">{}</div>{}<div class="note">{}</div></div>').format(one.name, value, one.note)


def _chart(chart: Chart) -> Markup:
    legend = Markup("").join(Markup('<span class="key {}">{}</span>').format(tone, name) for name, tone in chart.legend)
    data = Markup('<script type="application/json">{}</script>').format(script_json(chart.readout)) if chart.readout else Markup("")
    switch = Markup('<button type="button" class="scale" aria-pressed="false">log scale</button>') if chart.switch else Markup("")
    head = Markup("<figcaption><h3>{}</h3>{}</figcaption>").format(chart.title, _note(chart.note) if chart.note else "")
    body = Markup('<div class="legend">{}{}</div><div class="plot">{}</div>{}').format(legend, switch, chart.svg, data)
    return Markup('<figure id="chart-{}">{}{}</figure>').format(chart.id, head, body)


def _table(table: Table) -> Markup:
    last = len(table.columns) - 1
    wide = None if table.wide is None else table.wide % len(table.columns)

    def kind(i: int) -> str:
        return "wide" if i == wide else "text" if i < table.text_columns else ""

    heads = Markup("").join(Markup('<th scope="col" class="{}">{}</th>').format(kind(i), name) for i, name in enumerate(table.columns))
    rows = []
    for n, row in enumerate(table.rows):
        cells = [_cell(kind(i), text, table.bars[n] if table.bars and i == last else None) for i, text in enumerate(row)]
        rows.append(Markup("<tr>{}</tr>").format(Markup("").join(cells)))
    if not rows:
        rows.append(Markup('<tr><td class="text muted" colspan="{}">none</td></tr>').format(last + 1))
    caption = Markup("<caption>{}</caption>").format(table.caption) if table.caption else Markup("")
    return Markup('<div class="scroll"><table>{}<thead><tr>{}</tr></thead><tbody>{}</tbody></table></div>').format(
        caption, heads, Markup("\n").join(rows)
    )


def _cell(kind: str, text: str, bar: float | None) -> Markup:
    if bar is None:
        return Markup('<td class="{}">{}</td>').format(kind, text)
    return Markup('<td class="{} barred" style="--bar:{}%">{}</td>').format(kind, f"{100 * bar:.1f}", text)


def _heat_map(heat: HeatMap) -> Markup:
    first = len(heat.columns) - heat.apart

    def cell(i: int, text: str, strength: float) -> Markup:
        tone = "up" if strength > 0 else "down" if strength < 0 else ""
        colour = Markup(f' style="--strength:{min(1.0, abs(strength)):.2f}"') if tone else Markup("")  # noqa: S704 - a number
        return Markup('<td class="{}{}"{}>{}</td>').format(tone, " apart" if i >= first else "", colour, text)

    heads = Markup("").join(
        Markup('<th scope="col"{}>{}</th>').format(Markup(' class="apart"') if i >= first else "", name)
        for i, name in enumerate(heat.columns)
    )
    rows = [
        Markup('<tr class="{}"><th scope="row" class="text">{}</th>{}</tr>').format(
            "quiet" if row.quiet else "", row.name, Markup("").join(cell(i, *one) for i, one in enumerate(row.cells))
        )
        for row in heat.rows
    ]
    body = Markup("\n").join(rows)
    return Markup(
        '<div class="scroll"><table class="heat"><caption>{}</caption><thead><tr><th scope="col"></th>{}</tr></thead><tbody>{}</tbody></table></div>'
    ).format(heat.caption, heads, body)
