"""What is shown of a tuning: its trials as a table, and how the best value grew."""

import json
from collections.abc import Sequence

import polars as pl

from ats_assets.errors import how_many
from ats_assets.orchestration.sparkline import sparkline_markdown


def trials_table(rows: pl.DataFrame, first: int = 10) -> str:
    """The best trials of a tuning session in Markdown, the chosen one in bold.

    Parameters
    ----------
    rows
        Its partition, of the contract `TuningTrials`.
    """
    ordered = rows.sort("is_chosen", "value", "rank_ic", "trial", descending=[True, True, True, False], nulls_last=True)
    lines = ["| trial | state | value | rank IC | ± | fits | parameters | why |", "| ---: | --- | ---: | ---: | ---: | ---: | --- | --- |"]
    for row in ordered.head(first).iter_rows(named=True):
        values = [_number(row[name], form) for name, form in (("value", "+.4f"), ("rank_ic", "+.4f"), ("standard_error", ".4f"))]
        parameters = ", ".join(f"{name} {value}" for name, value in json.loads(row["parameters"]).items()) or "own settings"
        number = f"**{row['trial']}**" if row["is_chosen"] else row["trial"]
        lines.append(f"| {number} | {row['state']} | {' | '.join(values)} | {row['fits']} | {parameters} | {row['reason'] or ''} |")
    if rows.height > first:
        lines.append(f"\n… and {how_many(rows.height - first, 'other')}")
    return "\n".join(lines)


def best_so_far(values: Sequence[float | None]) -> list[float | None]:
    """The largest value up to each trial; None before the first that has one.

    Examples
    --------
    >>> best_so_far([None, 0.01, 0.005, None, 0.02])
    [None, 0.01, 0.01, 0.01, 0.02]
    """
    found: list[float | None] = []
    for value in values:
        known = [one for one in (value, found[-1] if found else None) if one is not None]
        found.append(max(known, default=None))
    return found


def progress_picture(rows: pl.DataFrame) -> str:
    """The best value so far, trial by trial, as a Markdown image."""
    values = best_so_far(rows.sort("trial")["value"].to_list())
    return sparkline_markdown(values, title="Best value by trial", width=400, height=60)


def _number(value: float | None, form: str) -> str:
    return "–" if value is None else f"{value:{form}}"
