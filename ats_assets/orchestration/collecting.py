"""What the source collects beside bars and corporate actions, as a stage: its assets are made by the source's own module, which settings name."""

import importlib

import dagster as dg

from ats_assets.deployment import Deployment
from ats_assets.orchestration.market_data_asset import GROUP

__all__ = ["GROUP", "assets"]


def assets(deployment: Deployment) -> list[dg.AssetsDefinition]:
    """Those that the settings want."""
    return importlib.import_module(deployment.source_plugin.collecting).assets(deployment) if deployment.collected else []
