"""The picture of a surface: of one underlying and session the smiles of its expiries."""

from collections.abc import Iterator, Sequence
from datetime import date

import numpy as np
import polars as pl

from ats_assets.options.surface.smile import Smile
from ats_assets.options.surface.surface_fit import judged_width
from ats_assets.orchestration.sparkline import escaped, svg

WIDTH, HEIGHT, LEFT, TOP, FOOT, LEGEND = 900, 360, 56, 34, 34, 150
"""Of the picture, in CSS pixels: its size, and what is left of, above, under and right of the plot."""
COLOURS = ("#1f5fa8", "#b5533c", "#3f7f4f", "#8a5aa8", "#b58a1f", "#4f8f9f", "#7f7f7f")
MOST = len(COLOURS)
POINTS = 61


def most_quoted(surface: pl.DataFrame) -> tuple[date, str] | None:
    """The newest session with smiles, and of its underlyings the one with the most contracts; None where there is no smile.

    Parameters
    ----------
    surface
        Rows of `volatility_surface`.
    """
    smiles = surface.filter(pl.col("why") == "")
    if smiles.is_empty():
        return None
    newest = smiles.filter(pl.col("session") == pl.col("session").max())
    counted = (
        newest.group_by("session", "underlying").agg(pl.col("contracts").sum()).sort("contracts", "underlying", descending=[True, False])
    )
    session, underlying, _ = counted.row(0)
    return session, underlying


def smile_svg(surface: pl.DataFrame, session: date, underlying: str) -> str:
    """Volatility by log-moneyness, a line for each of some expiries, the first and the last among them, each as far as it is judged.

    Parameters
    ----------
    surface
        Rows of `volatility_surface`, those with a smile of that session and underlying among them.
    """
    rows = surface.filter(pl.col("why") == "", session=session, underlying=underlying).sort("expiry")
    chosen = np.unique(np.linspace(0, rows.height - 1, min(MOST, rows.height)).round().astype(int))
    lines = [(row["expiry"], *_line(Smile.of_row(row))) for row in rows[chosen.tolist()].iter_rows(named=True)]
    title = f"{underlying} at {session}: implied volatility by log-moneyness"
    return svg("".join(_drawn(lines, title)), width=WIDTH, height=HEIGHT, title=title)


def _line(smile: Smile) -> tuple[np.ndarray, np.ndarray]:
    k = np.linspace(*judged_width(smile), POINTS)
    return k, np.sqrt(np.maximum(smile.total_variance(k)[0], 0.0) / smile.years)


def _drawn(lines: Sequence[tuple[date, np.ndarray, np.ndarray]], title: str) -> Iterator[str]:
    left, right = min(k[0] for _, k, _ in lines), max(k[-1] for _, k, _ in lines)
    high = 1.05 * max(v.max() for _, _, v in lines)
    low = 0.95 * min(v.min() for _, _, v in lines)
    wide, tall = WIDTH - LEFT - LEGEND, HEIGHT - TOP - FOOT

    def across(k: float) -> float:
        return LEFT + wide * (k - left) / ((right - left) or 1.0)

    def down(volatility: float) -> float:
        return TOP + tall * (1.0 - (volatility - low) / ((high - low) or 1.0))

    yield _text(10, 20, title, size=14)
    for share in (0.0, 0.25, 0.5, 0.75, 1.0):
        volatility, k = low + share * (high - low), left + share * (right - left)
        yield f'<path d="M{LEFT} {down(volatility):.1f}h{wide}" stroke="#e3e6ea"/>'
        yield _text(LEFT - 6, down(volatility) + 4, f"{volatility:.1%}", anchor="end")
        yield _text(across(k), HEIGHT - 14, f"{k:+.2f}", anchor="middle")
    yield f'<path d="M{across(0.0):.1f} {TOP}v{tall}" stroke="#888888" stroke-dasharray="4 4"/>'
    for n, (expiry, k, volatility) in enumerate(lines):
        places = "L".join(f"{across(x):.1f} {down(y):.1f}" for x, y in zip(k, volatility, strict=True))
        yield f'<path d="M{places}" fill="none" stroke="{COLOURS[n]}" stroke-width="1.6" stroke-linejoin="round"/>'
        y = TOP + 12 + 18 * n
        yield f'<path d="M{WIDTH - LEGEND + 14} {y - 4}h20" stroke="{COLOURS[n]}" stroke-width="2.5"/>'
        yield _text(WIDTH - LEGEND + 40, y, str(expiry))


def _text(x: float, y: float, text: str, *, size: int = 11, anchor: str = "start") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" font-family="sans-serif" font-size="{size}" text-anchor="{anchor}">{escaped(text)}</text>'
