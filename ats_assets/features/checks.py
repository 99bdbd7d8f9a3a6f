"""Checks of the stage features: one contract for each family."""

from datetime import date

import dagster as dg
import polars as pl

from ats_assets.deployment import Deployment
from ats_assets.features.choosing import judged_families
from ats_assets.features.contracts import faults
from ats_assets.features.family import KEYS, ColumnFamily, FeatureFamily
from ats_assets.orchestration.memory_blocks import blocks_of_step
from ats_assets.orchestration.partitions import Reads, partitions_of, sessions_of
from ats_assets.orchestration.verdicts import Verdict, report


def checks(deployment: Deployment) -> list[dg.AssetChecksDefinition]:
    """The stage's checks."""
    return [_contract(deployment, family) for family in deployment.of(judged_families).values()]


def _contract(deployment: Deployment, family: FeatureFamily | ColumnFamily) -> dg.AssetChecksDefinition:
    @dg.asset_check(asset=family.name, name="contract", blocking=True, partitions_def=partitions_of(deployment))
    def contract_of_family(context: dg.AssetCheckExecutionContext) -> dg.AssetCheckResult:
        """Whether a session has exactly the family's columns and a row for each of its bars; missing and infinite values are counted."""
        sessions = sessions_of(context.op_execution_context.partition_keys)
        verdicts: dict[date, Verdict] = {}
        for block in blocks_of_step(deployment, family.name, (Reads(asset=family.name),), sessions):
            features = deployment.warehouse.read(family.name, block)
            found = faults(family, features, deployment.warehouse.read("bars", block, KEYS))
            values = _values(features)
            verdicts |= {day: Verdict(passed=day not in found, text=found.get(day, ""), metadata=values.get(day, {})) for day in block}
        return report(context, verdicts, severity=dg.AssetCheckSeverity.ERROR)

    return contract_of_family


def _values(features: pl.DataFrame) -> dict[object, dict[str, float]]:
    """By session, the share of the values that are missing and the number of those that are infinite."""
    factors = pl.exclude(KEYS)
    rows = features.select(
        "session",
        n=pl.lit(features.width - len(KEYS)),
        missing=pl.sum_horizontal(factors.is_nan()),
        infinite=pl.sum_horizontal(factors.is_infinite()),
    )
    counted = rows.group_by("session").sum().select("session", pl.col("missing") / pl.col("n"), "infinite")
    return {day: {"missing_share": missing, "infinite": infinite} for day, missing, infinite in counted.iter_rows()}
