"""Which features made a score, as a table."""

from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table
from rich.text import Text

from ats_assets.runs.writing import write_table

if TYPE_CHECKING:
    from ats_assets.predictions.score_explanation import ScoreExplanation

SHOWN = 10
"""Features that are shown one by one."""


def show_score(out: Console, symbol: str, told: "ScoreExplanation") -> None:
    """Write the features that moved the score most, then what the others and the base come to."""
    out.print(Text(f"\nScore of {symbol}: {told.score:+.6f}, by {told.model} of {told.model_session}", style="bold"))
    if told.champion:
        out.print(Text(told.champion))
    if told.base is not None:
        table = Table(box=None, padding=(0, 2, 0, 0))
        for heading in ("feature", "value", "percentile", "contribution"):
            table.add_column(heading, justify="left" if heading == "feature" else "right", no_wrap=True)
        for one in told.contributions[:SHOWN]:
            value = "missing" if one.value is None else f"{one.value:.6g}"
            percentile = "–" if one.percentile is None else f"{one.percentile:.0%}"
            table.add_row(one.feature, value, percentile, f"{one.contribution:+.6f}")
        others = told.contributions[SHOWN:]
        if others:
            table.add_row(f"{len(others)} other features", "", "", f"{sum(one.contribution for one in others):+.6f}")
        table.add_row("base, the same for every symbol", "", "", f"{told.base:+.6f}")
        write_table(out, table)
    if told.note:
        out.print(Text(told.note, style="yellow"))
