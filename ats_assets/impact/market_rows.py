"""The rows of `impact_inputs`: usual dollar volume, volatility and spread of each symbol, each session's from its own windows alone."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date

import numpy as np
import polars as pl

from ats_assets.impact.schema import MARKET_SCHEMA
from ats_assets.selection.traded_panel import TradedRows, traded_panel
from ats_assets.settings import ImpactSettings


def impact_lookback(settings: ImpactSettings) -> int:
    """Sessions before its own that a session reads of bars."""
    return max(settings.volume_sessions - 1, settings.volatility_sessions, settings.spread_sessions)


def market_rows(given: TradedRows, days: Sequence[date], sessions: Sequence[date], settings: ImpactSettings) -> pl.DataFrame:
    """The rows of the contract `ImpactMarketRows`.

    Parameters
    ----------
    days
        Consecutive sessions, from `impact_lookback` before the first of `sessions` to the last; fewer at the start of history.
    sessions
        Those to make.
    """
    panel = traded_panel(given, days, "corwin_schultz" if settings.spread == "quoted" else settings.spread)
    if settings.spread == "quoted":
        panel = replace(panel, spreads=np.full_like(panel.spreads, np.nan))
    place, least, back = {day: i for i, day in enumerate(days)}, settings.min_sessions, impact_lookback(settings)
    frames = []
    for session in sessions:
        now = place[session]
        there = np.flatnonzero(np.isfinite(panel.dollars[max(0, now - back) : now + 1]).any(axis=0))
        names = [given.known.symbol(panel.instruments[j], session) for j in there]
        bears = {name: j for j, name in zip(there, names, strict=True) if given.known.of(name, session) == panel.instruments[j]}
        at = np.array([bears[name] for name in sorted(bears)], dtype=np.int64)
        figures = {
            "dollar_volume": panel.dollar_volume(now, settings.volume_sessions, least),
            "volatility": panel.volatility(now, settings.volatility_sessions, least),
            "spread": panel.spread(now, settings.spread_sessions, least),
        }
        columns = {name: pl.Series(values[at], dtype=pl.Float64).fill_nan(None) for name, values in figures.items()}
        frames.append(pl.DataFrame({"symbol": sorted(bears), "session": [session] * len(at), **columns}, schema=MARKET_SCHEMA))
    return pl.concat(frames) if frames else MARKET_SCHEMA.to_frame()
