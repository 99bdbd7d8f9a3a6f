"""Who was champion when, and why it changed: a table of the changes, and a picture of the candidates' rank IC over a strip of champions."""

from collections.abc import Sequence

import polars as pl

from ats_assets.orchestration.sparkline import escaped, svg

CHANGES_SCHEMA = pl.Schema({"session": pl.Date, "before": pl.String, "model": pl.String, "reason": pl.String})
COLOURS = ("#1f5fa8", "#b5533c", "#3f7f4f", "#8a5aa8", "#b58a1f", "#4f8f9f", "#7f7f7f")
WIDTH, HEIGHT, STRIP, LEGEND, MARGIN = 900, 220, 22, 20, 8
"""Of the picture, in CSS pixels."""


def title_changes(champion: pl.DataFrame) -> pl.DataFrame:
    """The first champion and each change: session, before (null for the first), model, and the new champion's reason at that session.

    Parameters
    ----------
    champion
        Rows of the contract `Champion`.

    Examples
    --------
    >>> from datetime import date
    >>> days = [date(2024, 1, day) for day in (2, 3, 4)]
    >>> rows = {"session": days, "model": ["a", "a", "b"], "is_champion": True, "reason": ["x", "x", "y"]}
    >>> title_changes(pl.DataFrame(rows)).rows()
    [(datetime.date(2024, 1, 2), None, 'a', 'x'), (datetime.date(2024, 1, 4), 'a', 'b', 'y')]
    """
    chosen = champion.filter("is_champion").sort("session").with_columns(before=pl.col("model").shift())
    return chosen.filter(pl.col("before").is_null() | (pl.col("before") != pl.col("model"))).select(*CHANGES_SCHEMA)


def changes_markdown(champion: pl.DataFrame, most: int = 12) -> str:
    """The newest changes as a table, the newest first."""
    rows = title_changes(champion).tail(most).reverse().iter_rows()
    told = [f"| {session} | {before or ''} | {model} | {reason.replace('|', '/')} |" for session, before, model, reason in rows]
    return "\n".join(["| session | before | champion | why |", "|---|---|---|---|", *told])


def title_svg(champion: pl.DataFrame) -> str:
    """A line of the rank IC that each candidate was judged by at each session, and under the lines who was champion."""
    days, names = sorted(set(champion["session"])), list(champion["model"].unique(maintain_order=True))
    ics = {name: dict(champion.filter(model=name).select("session", "rank_ic").iter_rows()) for name in names}
    holders = dict(champion.filter("is_champion").select("session", "model").iter_rows())
    known = [ic for of in ics.values() for ic in of.values() if ic is not None]
    low, high = min([*known, 0.0]), max([*known, 0.0])
    foot = HEIGHT - STRIP - LEGEND - 2 * MARGIN

    def across(i: int) -> float:
        return round(MARGIN + (WIDTH - 2 * MARGIN) * i / max(1, len(days)), 1)

    def down(ic: float) -> float:
        return round(MARGIN + (foot - MARGIN) * (1.0 - (ic - low) / ((high - low) or 1.0)), 1)

    drawn = [f'<path d="M{MARGIN} {down(0.0)}H{WIDTH - MARGIN}" stroke="#c5ccd4"/>']
    for i, name in enumerate(names):
        colour = COLOURS[i % len(COLOURS)]
        points = [(across(place), ics[name].get(day)) for place, day in enumerate(days)]
        drawn.append(f'<path d="{_path([(x, None if ic is None else down(ic)) for x, ic in points])}" fill="none" stroke="{colour}"/>')
        drawn.append(
            f'<text x="{MARGIN + 130 * i}" y="{HEIGHT - 6}" font-family="sans-serif" font-size="12" fill="{colour}">{escaped(name)}</text>'
        )
    for start, end in _runs([holders.get(day) for day in days]):
        name = holders.get(days[start])
        if name is not None:
            box = f'x="{across(start)}" y="{foot + MARGIN}" width="{across(end) - across(start):.1f}" height="{STRIP}"'
            said = f"{escaped(name)} from {days[start]} to {days[end - 1]}"
            drawn.append(f'<rect {box} fill="{COLOURS[names.index(name) % len(COLOURS)]}"><title>{said}</title></rect>')
    return svg("".join(drawn), width=WIDTH, height=HEIGHT, title=f"Champions from {days[0]} to {days[-1]}" if days else "Champions")


def _path(points: Sequence[tuple[float, float | None]]) -> str:
    drawn, pen_up = [], True
    for x, y in points:
        if y is not None:
            drawn.append(f"{'M' if pen_up else 'L'}{x:g} {y:g}")
        pen_up = y is None
    return "".join(drawn)


def _runs(values: Sequence[str | None]) -> list[tuple[int, int]]:
    """The places of runs of equal values: first, and one after the last."""
    starts = [i for i in range(len(values)) if i == 0 or values[i] != values[i - 1]]
    return list(zip(starts, [*starts[1:], len(values)], strict=True))
