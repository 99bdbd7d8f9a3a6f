"""CUSUM events and the triple barrier over bars once more, slowly and in plain Python: one event after the other, one bar after the other, from the text alone."""

from collections.abc import Mapping, Sequence
from datetime import date
from math import isnan, log, nan
from typing import Any

import pandas as pd
import polars as pl

from ats_assets.labels.cusum import CusumSettings
from ats_assets.labels.event_barriers import EventBarrierSettings

Row = Mapping[str, Any]


def bars_of(frame: pl.DataFrame) -> dict[str, list[Row]]:
    """Symbol -> its bars in order."""
    found: dict[str, list[Row]] = {}
    for row in frame.sort("symbol", "session", "bar").iter_rows(named=True):
        found.setdefault(row["symbol"], []).append(row)
    return found


def volatility(bars: Sequence[Row], days: Sequence[date], at: int, *, span: int, least: int, lookback: int) -> float:
    """By pandas, over the sessions that are looked back over."""
    first = max(0, days.index(bars[at]["session"]) - lookback)
    values = []
    for i in range(at + 1):
        if days.index(bars[i]["session"]) >= first:
            begins = i == 0 or bars[i - 1]["session"] != bars[i]["session"]
            values.append(bars[i]["close"] / (bars[i]["open"] if begins else bars[i - 1]["close"]) - 1)
    return float(pd.Series(values).ewm(span=span).std().iloc[-1]) if len(values) >= max(least, 2) else nan


def events(frame: pl.DataFrame, days: Sequence[date], settings: CusumSettings) -> list[tuple[str, date, int, int]]:
    """Symbol, session, bar and direction."""
    found = []
    for symbol, bars in bars_of(frame).items():
        up = down = 0.0
        for i, bar in enumerate(bars):
            if i == 0 or bars[i - 1]["session"] != bar["session"]:
                up, down, before = 0.0, 0.0, bar["open"]
            else:
                before = bars[i - 1]["close"]
            limit = settings.threshold
            if settings.unit == "volatility":
                options = {
                    "span": settings.volatility_span_bars,
                    "least": settings.min_volatility_bars,
                    "lookback": settings.lookback_sessions,
                }
                limit = settings.threshold * volatility(bars, days, i, **options)
                if isnan(limit):
                    up = down = 0.0
                    continue
                limit = max(limit, settings.min_threshold)
            moved = log(bar["close"] / before)
            up, down = max(0.0, up + moved), min(0.0, down + moved)
            if down <= -limit:
                found.append((symbol, bar["session"], bar["bar"], -1))
                down = 0.0
            elif up >= limit:
                found.append((symbol, bar["session"], bar["bar"], 1))
                up = 0.0
    return found


def unit_of(bars: Sequence[Row], days: Sequence[date], at: int, entry: float, settings: EventBarrierSettings) -> float:
    """What gain and loss are multiples of; NaN where there is no label."""
    if settings.unit != "volatility":
        return {"returns": entry, "ticks": settings.tick_size or nan}[settings.unit]
    options = {"span": settings.volatility_span_bars, "least": settings.min_volatility_bars, "lookback": settings.lookback_sessions}
    known = volatility(bars, days, at, **options)
    return known * entry if known > settings.min_volatility else nan


def end(bars: Sequence[Row], days: Sequence[date], at: int, side: int, settings: EventBarrierSettings) -> tuple[Any, ...] | None:
    """Session known, place of the last bar, label, price of the exit, how; None where there is no label."""
    last_day = days.index(bars[at]["session"]) + settings.max_sessions
    allowed = [i for i in range(len(bars)) if days.index(bars[i]["session"]) <= last_day]
    if at + 1 not in allowed:
        return None
    entry = bars[at + 1]["open"] if settings.entry == "open" else bars[at]["close"]
    unit = unit_of(bars, days, at, entry, settings)
    if isnan(unit):
        return None
    for held in range(settings.min_bars - 1, settings.horizon_bars):
        i = at + 1 + held
        if i not in allowed:
            break
        if met := touched(bars[i], entry, unit, side, opening=held == 0 and settings.entry == "open", settings=settings):
            return bars[i]["session"], i, *met
    out = at + 1 + settings.horizon_bars
    if out in allowed:
        return bars[out]["session"], out, 0, bars[out]["open"], "open"
    if last_day < len(days):
        return days[last_day], allowed[-1], 0, bars[allowed[-1]]["close"], "last_close"
    return None


def touched(bar: Row, entry: float, unit: float, side: int, *, opening: bool, settings: EventBarrierSettings) -> tuple[Any, ...] | None:
    """Label, price and how, where a bar meets a barrier; the loss is looked at first."""
    slack = 1e-6 * unit if settings.unit == "ticks" else 0.0
    barriers = ((-1, settings.loss, "low" if side > 0 else "high"), (1, settings.gain, "high" if side > 0 else "low"))
    for price in (() if opening else ("open",)) + (None,):
        for label, multiple, extreme in barriers:
            barrier, direction = entry + label * side * multiple * unit, label * side
            if multiple and direction * (bar[price or extreme] - barrier) >= -slack:
                return (label, bar["open"], "open") if price else (label, barrier, "barrier")
    return None
