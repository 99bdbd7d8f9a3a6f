"""Provenance: an index over what the files say of themselves, what is stale and why. No Dagster."""

from ats_assets.lineage.index import Entry, LineageIndex
from ats_assets.lineage.judging import judge
from ats_assets.lineage.rules import AssetRule, LineageRules, PartitionWindow, contiguous, ranges
from ats_assets.lineage.stale import Stale
from ats_assets.lineage.staleness import Staleness

__all__ = ["AssetRule", "Entry", "LineageIndex", "LineageRules", "PartitionWindow", "Stale", "Staleness", "contiguous", "judge", "ranges"]
