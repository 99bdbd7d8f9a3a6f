"""What a deployment's sessions are decided by: rules of the settings, and what is stored of the sessions before."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import date
from typing import Any

import polars as pl

from ats_assets.algorithms.algorithm import MINUTE_SCHEMA, Algorithm
from ats_assets.algorithms.stepping import DayEnd
from ats_assets.algorithms.stored_days import EarlierSessions, StoredDays
from ats_assets.deployment import Deployment
from ats_assets.errors import SettingsError
from ats_assets.live.at_events.lane_opening import open_lane
from ats_assets.live.live_rules import LiveRules
from ats_assets.live.market_state import MINUTE
from ats_assets.plugins import RISK_RULES, STREAMS, Chosen
from ats_assets.risk.rule import Rule

MINUTE_BARS = "alpaca_minute_bars"


def session_rules(deployment: Deployment, session: date, work: Callable[[str], tuple[Algorithm, DayEnd]]) -> LiveRules:
    """What a session is decided by.

    Parameters
    ----------
    work
        See `LiveRules`.

    Raises
    ------
    SettingsError
        If `live.rules` names no risk rule, or one that reads assets; and as `open_lane`, which has other errors, too.
    """
    settings, calendar = deployment.settings, deployment.calendar
    return LiveRules(
        session=session,
        opens_at=calendar.opens_at(session),
        closes_at=calendar.closes_at(session),
        work=work,
        settings=settings.live,
        limits=settings.orders.limits,
        brake=settings.orders.brake,
        risk_rules=live_rules(deployment),
        histories=histories(deployment, session),
        fractional=settings.backtest.fractional_shares,
        lane=open_lane(deployment, session),
    )


def live_rules(deployment: Deployment) -> Mapping[str, Rule]:
    """The risk rules that what is held must keep inside a session.

    Raises
    ------
    SettingsError
        See `session_rules`.
    """
    settings, made = deployment.settings, dict[str, Rule]()
    shared: dict[str, Any] = {**settings.portfolio.model_dump(), "sessions_per_year": settings.backtest.sessions_per_year}
    for name, values in settings.live.rules.items():
        rule = RISK_RULES.named(name, values, settings.plugins.folder, "live.rules", shared).made()
        if needs := rule.needs():
            raise SettingsError(
                f"live.rules.{name} reads {needs[0].asset}, which is made after the close: inside a session only rules about weights hold"
            )
        made[name] = rule
    return made


def chosen_stream(deployment: Deployment) -> Chosen[Any]:
    """The stream that `live.stream` names, with its settings; use it as `deployment.of(chosen_stream)`.

    Raises
    ------
    SettingsError
        If there is none of that name, or it refuses one of its settings.
    """
    settings = deployment.settings
    return STREAMS.named(settings.live.stream, settings.live.streams.get(settings.live.stream, {}), settings.plugins.folder, "live.streams")


def histories(deployment: Deployment, session: date) -> Mapping[str, EarlierSessions]:
    """What the sessions before tell of each symbol, as far as they are stored: as a backtest knows it; where no minutes are stored, the day's bars tell of volume and volatility."""
    calendar = deployment.calendar
    told = StoredDays(lambda day: _daily_bars(deployment, day), calendar).earlier(session)
    without = {symbol: replace(one, volume_profile=None) for symbol, one in told.items()}
    return without | StoredDays(lambda day: _minute_bars(deployment, day), calendar).earlier(session)


def _minute_bars(deployment: Deployment, day: date) -> pl.DataFrame:
    """Those of `orders.session_bars`, else what was collected."""
    own = deployment.settings.orders.session_bars
    if own is not None and deployment.warehouse.exists(own, day):
        return deployment.warehouse.read(own, [day])
    if not deployment.warehouse.exists(MINUTE_BARS, day):
        return MINUTE_SCHEMA.to_frame()
    rows = deployment.warehouse.read(MINUTE_BARS, [day], ["symbol", "start", "open", "high", "low", "close", "volume"])
    rows = rows.rename({"start": "starts_at"}).with_columns(known_at=pl.col("starts_at") + MINUTE)
    opens, closes = deployment.calendar.opens_at(day), deployment.calendar.closes_at(day)
    return rows.filter(pl.col("starts_at").is_between(opens, closes, closed="left"), pl.col("close") > 0.0, pl.col("open") > 0.0)


def _daily_bars(deployment: Deployment, day: date) -> pl.DataFrame:
    """Each session as one bar."""
    if not deployment.warehouse.exists("bars", day):
        return MINUTE_SCHEMA.to_frame()
    opens, closes = deployment.calendar.opens_at(day), deployment.calendar.closes_at(day)
    rows = deployment.warehouse.read("bars", [day], ["symbol", "open", "high", "low", "close", "volume"])
    return rows.with_columns(starts_at=pl.lit(opens), known_at=pl.lit(closes))
