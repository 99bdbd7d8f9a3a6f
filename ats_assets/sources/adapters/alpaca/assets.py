"""What is collected from Alpaca beside daily bars, as assets: those that `source.alpaca.collect` names, in a job of their own."""

from datetime import date

import dagster as dg
import polars as pl

from ats_assets.deployment import Deployment
from ats_assets.orchestration.market_data_asset import market_data_asset
from ats_assets.sources.adapters.alpaca.market_data import AlpacaMarketData
from ats_assets.sources.adapters.alpaca.market_schema import ALL
from ats_assets.sources.collected import Collected

NOW_ONLY = ("snapshots", "option_chains")
"""What exists for now only."""


def assets(deployment: Deployment) -> list[dg.AssetsDefinition]:
    """One asset for each kind that is collected."""
    return [_collected(deployment, kind) for kind in ALL.values() if kind.asset in deployment.collected]


def _collected(deployment: Deployment, kind: Collected) -> dg.AssetsDefinition:
    def take(session: date) -> pl.DataFrame | None:
        data = AlpacaMarketData(deployment.settings, deployment.calendar)
        return None if kind.name in NOW_ONLY and not data.can_be_taken(session) else data.of(kind.name, session)

    return market_data_asset(deployment, kind, "Alpaca", take, feed=deployment.settings.source.alpaca.feed)
