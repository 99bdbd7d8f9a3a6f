"""The subjects of market impact: what is known of each symbol before a trade, and the account of a backtest that trades by it."""

from collections.abc import Mapping, Sequence
from datetime import date
from functools import partial

import polars as pl

from ats_assets.corporate_actions.identity import identities_of
from ats_assets.deployment import Deployment
from ats_assets.impact.choosing import chosen_impact
from ats_assets.impact.market_impact import MarketImpact
from ats_assets.impact.market_rows import market_rows
from ats_assets.impact.schema import MARKET, MARKET_SCHEMA
from ats_assets.leakcheck.subject import Input, Subject
from ats_assets.selection.traded_panel import TradedRows
from ats_assets.settings import Adjust, ImpactSettings


def impact_subjects(deployment: Deployment, days: Sequence[date], given: Mapping[str, Input]) -> list[Subject]:
    """The inputs of the model, where settings name one, with windows that so few sessions fill."""
    settings = deployment.settings.impact
    if not settings.is_on:
        return []
    few = max(3, len(days) // 6)
    windows = dict.fromkeys(("volume_sessions", "volatility_sessions", "spread_sessions"), few)
    make = partial(_known, settings.model_copy(update=windows | {"min_sessions": 2}), deployment.settings.actions.adjust, list(days))
    return [Subject(name=MARKET, kind="feature", inputs={name: given[name] for name in ("bars", "corporate_actions")}, make=make)]


def impact_of(deployment: Deployment, rows: Mapping[str, pl.DataFrame]) -> MarketImpact | None:
    """The model with what is known in the rows; None where costs are fixed rates."""
    settings = deployment.settings.impact
    if not settings.of_trading:
        return None
    return MarketImpact(model=deployment.of(chosen_impact), settings=settings, inputs=rows.get(MARKET, MARKET_SCHEMA.to_frame()))


def _known(settings: ImpactSettings, adjust: Adjust, days: Sequence[date], rows: Mapping[str, pl.DataFrame]) -> pl.DataFrame:
    actions = rows["corporate_actions"]
    given = TradedRows(bars=rows["bars"], actions=actions, known=identities_of(actions), adjust=adjust)
    return market_rows(given, days, days, settings)
