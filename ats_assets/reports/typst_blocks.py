"""How the blocks of a report are written in the markup of typst, which makes paper of them.

Whatever text comes from data, settings or a user is written as a string of typst's code, in which nothing is markup; so no text can be taken for a command.
"""

import re
from collections.abc import Callable, Sequence

from ats_assets.reports.charts import Chart
from ats_assets.reports.charts.paper_chart import TONES, paper_chart
from ats_assets.reports.page_blocks import Block, Callout, Cards, Heading, Headline, HeatMap, Note, Pair, Table

WIDE_CHART, HALF_CHART = 840.0, 412.0
"""Pixels of a chart across the page, and of one in half of it: so that letters are as large in both."""
WHOLE = 16
"""Rows of a table that are kept on one page."""
_LONG_WORD = re.compile(r"\S{28,}")
_BREAKS = re.compile(r"([/_.,:;=\-])")
_ESCAPED = {"\\": "\\\\", '"': '\\"', "\n": "\\n", "\r": "\\r", "\t": "\\t"}


def typst_of(blocks: Sequence[Block], *, half: bool = False) -> str:
    """The blocks one after the other.

    Parameters
    ----------
    half
        Whether there is half of the page's width.
    """
    return "\n".join(_typst(block, half=half) for block in blocks)


def text_of(text: str) -> str:
    r"""A text as it stands in typst's markup; a long word may be broken where it has a mark.

    Examples
    --------
    >>> print(text_of('"#panic()"'))
    #"\"#panic()\""
    """
    broken = _LONG_WORD.sub(lambda word: _BREAKS.sub("\\1\u200b", word[0]), text)
    return '#"' + "".join(_ESCAPED.get(letter, max(letter, " ")) for letter in broken) + '"'


def _typst(block: Block, *, half: bool) -> str:
    match block:
        case Table():
            return _table(block)
        case HeatMap():
            return _heat_map(block)
        case Chart():
            return _chart(block, HALF_CHART if half else WIDE_CHART)
        case Cards():
            return f"#cards({', '.join(map(_card, block.headlines))},)" if block.headlines else ""
        case Heading():
            note = f"\n{_note(block.note)}" if block.note else ""
            return f"#heading(level: 2, outlined: false)[{text_of(block.text)}]{note}"
        case Note():
            return _note(block.text)
        case Callout():
            detail = f" #text(fill: muted)[{text_of(block.detail)}]" if block.detail else ""
            return f'#callout(rgb("{TONES.get(block.tone, "#888888")}"))[#strong[{text_of(block.text)}]{detail}]'
        case Pair():
            return f"#pair({', '.join(f'[{typst_of(cell, half=True)}]' for cell in block.cells)},)"


def _note(text: str) -> str:
    return f"#note[{text_of(text)}]"


def _card(one: Headline) -> str:
    tone = TONES.get(one.tone, TONES["ink"])
    return f'card(rgb("{tone}"))[{text_of(one.name)}][{text_of(one.value)}][{text_of(one.note)}]'


def _chart(chart: Chart, width: float) -> str:
    keys = ", ".join(f'key(rgb("{_tone(tone)}"))[{text_of(name)}]' for name, tone in chart.legend)
    legend = f"#legend({keys},)\n" if keys else ""
    note = f"{_note(chart.note)}\n" if chart.note else ""
    title = f"#heading(level: 2, outlined: false)[{text_of(chart.title)}]"
    alt = text_of(chart.title)[1:]
    svg = text_of(paper_chart(chart, width, narrow=width < WIDE_CHART)).replace("\u200b", "")[1:]
    return f'#block(breakable: false, width: 100%, above: 1.1em)[{title}\n{note}{legend}#image(bytes({svg}), format: "svg", width: 100%, alt: {alt})]'


def _tone(classes: str) -> str:
    return next((TONES[name] for name in classes.split() if name in TONES), TONES["ink"])


def _table(table: Table) -> str:
    last = len(table.columns) - 1
    wide = None if table.wide is None else table.wide % len(table.columns)

    def left(i: int) -> bool:
        return i == wide or i < table.text_columns

    widths = ", ".join("1fr" if i == wide or (table.bars and i == last) else "auto" for i in range(last + 1))
    sides = ", ".join("left" if left(i) else "right" for i in range(last + 1))
    rows = [
        ", ".join(_barred(text, table.bars[n]) if table.bars and i == last else f"[{text_of(text)}]" for i, text in enumerate(row))
        for n, row in enumerate(table.rows)
    ]
    none = [f'table.cell(colspan: {last + 1}, align: left)[#text(fill: muted)["none"]]'.replace('["none"]', f"[{text_of('none')}]")]
    return _grid(
        f"({widths},)", f"({sides},)", [text_of(name) for name in table.columns], rows or none, table.caption, full=wide is not None
    )


def _barred(text: str, share: float) -> str:
    return f"barred({min(1.0, max(0.0, share)) * 100:.1f}%)[{text_of(text)}]"


def _heat_map(heat: HeatMap) -> str:
    first, count = len(heat.columns) - heat.apart, len(heat.columns)

    def cell(i: int, text: str, strength: float, written: Callable[[str], str]) -> str:
        tone = "gain" if strength > 0 else "loss" if strength < 0 else None
        share = min(1.0, abs(strength)) * 55.0
        fill = f'fill: rgb("{TONES[tone]}").transparentize({100.0 - share:.0f}%), ' if tone else ""
        return f"table.cell({fill}align: right)[{_strong(written(text)) if i >= first else written(text)}]"

    rows = []
    for row in heat.rows:
        written = _quiet if row.quiet else text_of
        cells = [cell(i, text, 0.0 if row.quiet else strength, written) for i, (text, strength) in enumerate(row.cells)]
        rows.append(", ".join([f"[{_quiet(row.name) if row.quiet else _strong(text_of(row.name))}]", *cells]))
    names = ["", *(text_of(name) for name in heat.columns)]
    return _grid(f"(auto, ..(1fr,) * {count})", f"(left, ..(right,) * {count})", names, rows, "", full=True)


def _flag(value: bool) -> str:
    return "true" if value else "false"


def _strong(written: str) -> str:
    return f"#strong[{written}]"


def _quiet(text: str) -> str:
    return f"#text(fill: muted, size: 0.9em)[{text_of(text)}]"


def _grid(widths: str, sides: str, names: Sequence[str], rows: Sequence[str], caption: str, *, full: bool) -> str:
    """A table whose head is repeated on each page."""
    head = f"table.header({', '.join(f'[#text(fill: muted)[#strong[{name}]]]' for name in names)})"
    told = f"{_note(caption)}\n" if caption else ""
    body = ",\n".join(rows)
    return f"{told}#figures({_flag(full)}, {_flag(len(rows) <= WHOLE)}, columns: {widths}, align: {sides}, {head},\n{body},)"
