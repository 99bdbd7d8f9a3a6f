"""What a section of a report consists of, whatever form it is written in: `html_blocks`, `typst_blocks` and `json_form` write it."""

from collections.abc import Sequence
from dataclasses import dataclass

from ats_assets.reports.charts import Chart


@dataclass(frozen=True, kw_only=True)
class Table:
    """Columns and rows of text.

    Parameters
    ----------
    columns, rows
        A row has a text for each column.
    text_columns
        So many of the first are aligned to the left, numbers to the right.
    wide
        The column of text that may wrap, −1 for the last; None for none.
    bars
        For each row the length of a bar behind its last cell, from 0 to 1; without them none.
    caption
        For screen readers, where no heading says it.
    """

    columns: Sequence[str]
    rows: Sequence[Sequence[str]]
    text_columns: int = 1
    wide: int | None = None
    bars: Sequence[float] = ()
    caption: str = ""


@dataclass(frozen=True, kw_only=True)
class HeatRow:
    """A row of a heat map: its name, and text and strength (−1 to 1, negative is a loss) of each cell; a quiet one is of something to compare with."""

    name: str
    cells: Sequence[tuple[str, float]]
    quiet: bool = False


@dataclass(frozen=True, kw_only=True)
class HeatMap:
    """A table whose cells are coloured; a rule is drawn before each of the last `apart` columns."""

    columns: Sequence[str]
    rows: Sequence[HeatRow]
    caption: str
    apart: int = 1


@dataclass(frozen=True, kw_only=True)
class Headline:
    """One large figure."""

    name: str
    value: str
    note: str
    tone: str = ""


@dataclass(frozen=True, kw_only=True)
class Cards:
    """Large figures side by side."""

    headlines: Sequence[Headline]


@dataclass(frozen=True, kw_only=True)
class Heading:
    """A heading inside a section, with a line beneath it."""

    text: str
    note: str = ""


@dataclass(frozen=True, kw_only=True)
class Note:
    """A paragraph."""

    text: str


@dataclass(frozen=True, kw_only=True)
class Callout:
    """What must not be overlooked: a sentence, and what explains it. `tone` is gain, loss, warn or nothing."""

    text: str
    detail: str = ""
    tone: str = ""


@dataclass(frozen=True, kw_only=True)
class Pair:
    """Blocks in two columns, row by row; beneath each other where the page is narrow."""

    cells: Sequence[Sequence["Block"]]


Block = Table | HeatMap | Cards | Heading | Note | Callout | Pair | Chart
