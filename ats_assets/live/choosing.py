"""What a deployment's sessions are decided by: rules of the settings, and what is stored of the sessions before."""

from collections.abc import Callable, Mapping
from datetime import date
from typing import Any

import polars as pl

from ats_assets.algorithms.algorithm import MINUTE_SCHEMA, Algorithm
from ats_assets.algorithms.stepping import DayEnd
from ats_assets.algorithms.volume_profile import volume_profile
from ats_assets.deployment import Deployment
from ats_assets.errors import SettingsError
from ats_assets.live.live_rules import LiveRules, SymbolHistory
from ats_assets.live.market_state import MINUTE
from ats_assets.plugins import RISK_RULES, STREAMS, Chosen
from ats_assets.risk.rule import Rule

PROFILE_SESSIONS, VOLUME_SESSIONS, VOLATILITY_SESSIONS = 20, 21, 63
"""Before the session, that its expectations are made of."""
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
        If `live.rules` names no risk rule, or one that reads assets.
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


def histories(deployment: Deployment, session: date) -> Mapping[str, SymbolHistory]:
    """Volume of a day, its profile and the volatility of each symbol, by the sessions before, as far as they are stored."""
    calendar, warehouse = deployment.calendar, deployment.warehouse
    before = [day for day in deployment.valid_sessions("bars") if day < session][-VOLATILITY_SESSIONS - 1 :]
    if not before:
        return {}
    bars = warehouse.read("bars", before, ["symbol", "session", "close", "volume"]).sort("symbol", "session")
    returns = (pl.col("close") / pl.col("close").shift(1) - 1.0).drop_nulls()
    volume = pl.col("volume").tail(VOLUME_SESSIONS).median()
    told = bars.group_by("symbol", maintain_order=True).agg(volume=volume, volatility=returns.std())
    profiles = _profiles(deployment, session, [day for day in before[-PROFILE_SESSIONS:] if warehouse.exists(MINUTE_BARS, day)])
    assert calendar.is_session(session), "a session is one"
    return {
        symbol: SymbolHistory(volume_profile=profiles.get(symbol), day_volume=volume, volatility=volatility)
        for symbol, volume, volatility in told.iter_rows()
    }


def _profiles(deployment: Deployment, session: date, days: list[date]) -> dict[str, Any]:
    calendar, by_symbol = deployment.calendar, dict[str, list[Any]]()
    for day in days:
        rows = deployment.warehouse.read(MINUTE_BARS, [day], ["symbol", "start", "open", "high", "low", "close", "volume"])
        rows = rows.rename({"start": "starts_at"}).with_columns(known_at=pl.col("starts_at") + MINUTE)
        for (symbol,), own in rows.partition_by("symbol", as_dict=True).items():
            frame = own.select(pl.col(name).cast(dtype) for name, dtype in MINUTE_SCHEMA.items())
            by_symbol.setdefault(symbol, []).append((calendar.opens_at(day), calendar.closes_at(day), frame))
    hours = calendar.opens_at(session), calendar.closes_at(session)
    return {symbol: volume_profile(sessions, *hours) for symbol, sessions in by_symbol.items()}
