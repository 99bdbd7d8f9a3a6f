"""What is collected from Massive beside daily bars, as assets: those that `source.massive.collect` names, in a job of their own."""

from datetime import date

import dagster as dg
import polars as pl

from ats_assets.deployment import Deployment
from ats_assets.orchestration.market_data_asset import market_data_asset
from ats_assets.sources.adapters.massive.massive_market import KINDS, OPTION_CHAINS, MassiveMarketData
from ats_assets.sources.adapters.massive.massive_settings import MassiveSourceSettings
from ats_assets.sources.collected import Collected


def assets(deployment: Deployment) -> list[dg.AssetsDefinition]:
    """One asset for each kind that is collected."""
    return [_collected(deployment, kind) for kind in KINDS.values() if kind.asset in deployment.collected]


def _collected(deployment: Deployment, kind: Collected) -> dg.AssetsDefinition:
    def take(session: date) -> pl.DataFrame | None:
        own = MassiveSourceSettings.model_validate(deployment.source_settings)
        data = MassiveMarketData(own, deployment.calendar, deployment.settings)
        return None if kind is OPTION_CHAINS and not data.can_be_taken(session) else data.of(kind.name, session)

    return market_data_asset(deployment, kind, "Massive", take, plan=deployment.settings.massive.delivery)
