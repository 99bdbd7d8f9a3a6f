"""The subjects of selection and holding: tickers from bars and the universe, and from predictions with their outcomes, the timeframe of each, and holding periods from signals."""

from collections.abc import Mapping, Sequence
from datetime import date
from functools import partial

import polars as pl

from ats_assets.corporate_actions.identity import identities_of
from ats_assets.deployment import Deployment
from ats_assets.holding.followed import followed_periods
from ats_assets.holding.holding_rows import cost_of_turnover, holding_rows
from ats_assets.holding.priced_holding import holding_prices
from ats_assets.holding.schema import HOLDING, HOLDING_SCHEMA, SCORED_SCHEMA
from ats_assets.impact.schema import MARKET
from ats_assets.leakcheck.subject import Input, Subject
from ats_assets.selection.schema import TICKERS, TIMEFRAMES
from ats_assets.selection.ticker_rows import TickerFrames, ticker_rows
from ats_assets.selection.timeframe_rows import TimeframeFrames, timeframe_rows
from ats_assets.settings import HoldingPeriodSettings, TickerSelectionSettings, TimeframeSelectionSettings

Frames = Mapping[str, pl.DataFrame]


def selection_subjects(deployment: Deployment, days: Sequence[date], given: Mapping[str, Input]) -> list[Subject]:
    """Those that settings ask for, where what they read is there.

    Parameters
    ----------
    given
        Bars, corporate actions, the universe, predictions and forward returns, as they are stored.
    """
    settings = deployment.settings
    found = []
    tickers, timeframes = settings.ticker_selection, settings.timeframe_selection
    read = ("bars", "corporate_actions", "universe", "predictions", "forward_returns")
    if tickers is not None and set(read) <= given.keys():
        make = partial(_tickers, deployment, _few_tickers(tickers, len(days)), list(days))
        found.append(Subject(name=TICKERS, kind="feature", inputs={name: given[name] for name in read}, make=make))
    if timeframes is not None and set(read[1:]) <= given.keys():
        few = timeframes.model_copy(update={"sessions": max(5, len(days) // 4), "min_sessions": 5})
        make = partial(_timeframes, few, list(days))
        inputs = {name: given[name] for name in read[1:]}
        found.append(Subject(name=TIMEFRAMES, kind="feature", inputs=inputs, make=make, keys=("symbol", "horizon_sessions")))
    own = {name: deployment.signals[name] for name, share in settings.capital.items() if share}
    if settings.holding_period is not None and {*own.values(), "forward_returns", "corporate_actions"} <= given.keys():
        few_sessions = settings.holding_period.model_copy(
            update={"sessions": max(6, len(days) // 3), "min_sessions": 3, "longest_sessions": 4}
        )
        make = partial(_holding, deployment, own, few_sessions, list(days))
        inputs = {name: given[name] for name in (*own.values(), "forward_returns", "corporate_actions", MARKET) if name in given}
        found.append(Subject(name=HOLDING, kind="feature", inputs=inputs, make=make, keys=("strategy", "holding_sessions")))
    return found


def held_for(deployment: Deployment, strategies: Sequence[str], days: Sequence[date]) -> int | Mapping[str, Mapping[date, int]]:
    """The holding periods of targets: those of the settings, or as the stored recommendations say."""
    follows = deployment.of(followed_periods)
    if follows is None:
        return deployment.settings.holding_sessions
    stored = [day for day in days if deployment.warehouse.exists(HOLDING, day)]
    rows = deployment.warehouse.read(HOLDING, stored) if stored else HOLDING_SCHEMA.to_frame()
    return follows.of(rows, strategies, days, days)


def _holding(
    deployment: Deployment, signals: Mapping[str, str], settings: HoldingPeriodSettings, days: Sequence[date], rows: Frames
) -> pl.DataFrame:
    scored = {name: rows[asset].select(SCORED_SCHEMA.names()) for name, asset in signals.items()}
    how = {"cost": cost_of_turnover(deployment.settings.backtest), "known": identities_of(rows["corporate_actions"])}
    how |= {"trades": holding_prices(deployment, rows.get(MARKET))}
    return holding_rows(scored, rows["forward_returns"], days, days, settings, **how)


def _tickers(deployment: Deployment, settings: TickerSelectionSettings, days: Sequence[date], rows: Frames) -> pl.DataFrame:
    own = deployment.settings
    frames = TickerFrames(
        bars=rows["bars"],
        corporate_actions=rows["corporate_actions"],
        universe=rows["universe"],
        predictions=rows["predictions"],
        forward_returns=rows["forward_returns"],
        known=identities_of(rows["corporate_actions"]),
        adjust=own.actions.adjust,
        horizon_sessions=own.training.horizon_sessions,
    )
    return ticker_rows(frames, days, days, settings).drop("reason")


def _timeframes(settings: TimeframeSelectionSettings, days: Sequence[date], rows: Frames) -> pl.DataFrame:
    given = {name: rows[name] for name in ("predictions", "forward_returns", "universe")}
    return timeframe_rows(TimeframeFrames(known=identities_of(rows["corporate_actions"]), **given), days, days, settings)


def _few_tickers(settings: TickerSelectionSettings, sessions: int) -> TickerSelectionSettings:
    """With windows that so few sessions fill, and places that so few symbols fill: the same function, of figures that are worth less."""
    few = max(5, sessions // 6)
    places = {"active": 4, "band": 1, "focus": 2, "focus_band": 1}
    return settings.model_copy(
        update={"memory_sessions": few, "lookback_sessions": few, "min_sessions": 3, "skill_sessions": few, **places}
    )
