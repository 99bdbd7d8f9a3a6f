"""Samplers, and the measures beside their bars, as subjects: judged at instants, after which other ticks, or other bars, are put in."""

from collections.abc import Mapping, Sequence
from datetime import date
from functools import partial

import polars as pl

from ats_assets.deployment import Deployment
from ats_assets.intraday.choosing import samplers
from ats_assets.intraday.information_bars import known_with_session
from ats_assets.intraday.microstructure_rows import microstructure_rows
from ats_assets.intraday.sampler import Sampler
from ats_assets.intraday.session_hours import SessionHours
from ats_assets.intraday.tick_arrays import QUOTE_COLUMNS, TRADE_COLUMNS
from ats_assets.leakcheck.detection import Time
from ats_assets.leakcheck.subject import Input, Subject

READ = {"trades": TRADE_COLUMNS, "quotes": QUOTE_COLUMNS}
FEWEST = 3
"""Sessions that are looked at, at least."""
KEYS = ("symbol", "session", "bar")


def of_samplers(deployment: Deployment) -> list[tuple[Subject, Sequence[Time]]]:
    """Each sampler whose ticks are stored, and `microstructure`, over the newest sessions that its window needs, with the instants to judge it at."""
    found: list[tuple[Subject, Sequence[Time]]] = []
    for name, sampler in deployment.of(samplers).items():
        needs = sampler.needs()
        days = _newest(deployment, [need.asset for need in needs], max(need.back for need in needs) + 2)
        if days:
            ticks = {need.asset: deployment.warehouse.read(need.asset, days, READ[need.asset]) for need in needs}
            inputs = {asset: Input(rows=rows, known="at", keys=("sequence",)) for asset, rows in ticks.items()}
            make = partial(_bars, deployment, sampler, days)
            found.append((Subject(name=name, kind="feature", inputs=inputs, make=make, keys=KEYS, known="known_at"), _instants(ticks)))
    frame = deployment.settings.microstructure.frame
    days = _newest(deployment, [frame], deployment.settings.intraday.lookback_sessions + 2) if frame else []
    if frame and days:
        bars = {frame: deployment.warehouse.read(frame, days)}
        inputs = {frame: Input(rows=bars[frame], known="known_at", keys=("bar",))}
        subject = Subject(
            name="microstructure", kind="feature", inputs=inputs, make=partial(_measures, deployment, frame, days), known="known_at"
        )
        found.append((subject, bars[frame]["known_at"].unique().sort().to_list()))
    return found


def _newest(deployment: Deployment, assets: Sequence[str], sessions: int) -> list[date]:
    """The newest sessions of which all of the assets are stored; none where they are too few."""
    stored = set.intersection(*(set(deployment.valid_sessions(asset)) for asset in assets))
    days = sorted(stored)[-max(FEWEST, sessions) :]
    return days if len(days) >= FEWEST else []


def _instants(ticks: Mapping[str, pl.DataFrame]) -> list[Time]:
    return pl.concat([rows["at"] for rows in ticks.values()]).unique().sort().to_list()


def _bars(deployment: Deployment, sampler: Sampler, days: Sequence[date], rows: Mapping[str, pl.DataFrame]) -> pl.DataFrame:
    hours = SessionHours(deployment.calendar, deployment.settings.intraday.sessions)
    return known_with_session(sampler.bars(rows, days, days), lambda symbol, session: hours.of(symbol, session)[1])


def _measures(deployment: Deployment, frame: str, days: Sequence[date], rows: Mapping[str, pl.DataFrame]) -> pl.DataFrame:
    how = {
        "window_bars": deployment.settings.microstructure.window_bars,
        "lookback_sessions": deployment.settings.intraday.lookback_sessions,
    }
    return microstructure_rows(rows[frame], days, days, **how)
