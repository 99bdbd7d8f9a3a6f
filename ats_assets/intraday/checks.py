"""Checks of the stage intraday."""

import dagster as dg

from ats_assets.deployment import Deployment


def checks(_deployment: Deployment) -> list[dg.AssetChecksDefinition]:
    """The stage's checks: none without its assets."""
    return []
