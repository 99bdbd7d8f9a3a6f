"""The subjects of option chains: the surface, and the features, each by the assets' own functions from what is stored."""

from collections.abc import Mapping, Sequence
from datetime import date
from functools import partial

import polars as pl

from ats_assets.deployment import Deployment
from ats_assets.features.choosing import option_families
from ats_assets.features.option_rows import option_features
from ats_assets.leakcheck.subject import Input, Subject
from ats_assets.options.surface.volatility_surface import volatility_surface
from ats_assets.settings.trading_year import sessions_per_year

STORED = ("option_chains", "greeks", "volatility_surface")


def option_subjects(deployment: Deployment, days: Sequence[date], given: Mapping[str, Input]) -> list[Subject]:
    """The volatility surface, and the features of option chains where settings name them; none where the chains of a session are not stored.

    Parameters
    ----------
    days
        The sessions of the bars.
    given
        Bars and corporate actions.
    """
    warehouse, wanted = deployment.warehouse, deployment.settings.options.has_chains
    if not wanted or not all(warehouse.exists(name, day) for name in STORED for day in days):
        return []
    symbols = given["bars"].rows["symbol"].unique().implode()
    called = pl.col("underlying").replace(deployment.settings.options.symbol_by_underlying)
    frames = {name: Input(rows=warehouse.read(name, days).filter(called.is_in(symbols)), keys=("strike",)) for name in STORED}
    chains = {name: frames[name] for name in STORED[:2]}
    features = partial(_features, deployment, days)
    return [
        Subject(name=STORED[2], kind="feature", inputs=chains, make=_surface, keys=("underlying", "expiry")),
        *(Subject(name=name, kind="feature", inputs={**given, **frames}, make=features) for name in deployment.of(option_families)),
    ]


def _surface(rows: Mapping[str, pl.DataFrame]) -> pl.DataFrame:
    return volatility_surface(rows["option_chains"], rows["greeks"])


def _features(deployment: Deployment, days: Sequence[date], rows: Mapping[str, pl.DataFrame]) -> pl.DataFrame:
    settings = deployment.settings
    bars = rows["bars"].select("symbol", "session", pl.exclude("symbol", "session"))
    how = {"settings": settings.option_features, "symbols": settings.options.symbol_by_underlying, "adjust": settings.actions.adjust}
    a_year = sessions_per_year(settings.calendar.exchange) or 252
    return option_features({**rows, "bars": bars}, days=days, sessions=days, sessions_per_year=a_year, **how)
