"""Checks of the stage regimes: one contract for each entry."""

import dagster as dg
import polars as pl

from ats_assets.deployment import Deployment
from ats_assets.orchestration.partitions import partitions_of, sessions_of
from ats_assets.orchestration.verdicts import Verdict, report
from ats_assets.regimes.choosing import NamedRegimes, regimes
from ats_assets.regimes.contracts import regimes_contract
from ats_assets.sources.broken_rules import sessions_with_broken_rules


def checks(deployment: Deployment) -> list[dg.AssetChecksDefinition]:
    """The stage's checks."""
    return [_contract(deployment, one) for one in deployment.of(regimes).values()]


def _contract(deployment: Deployment, one: NamedRegimes) -> dg.AssetChecksDefinition:
    schema = regimes_contract(one.asset, one.name, one.settings)

    @dg.asset_check(asset=one.asset, name="contract", blocking=True, partitions_def=partitions_of(deployment))
    def contract_of_regimes(context: dg.AssetCheckExecutionContext) -> dg.AssetCheckResult:
        """Whether the probabilities add up to 1 or are not known at all, nothing is null, and no symbol is there twice."""
        sessions = sessions_of(context.op_execution_context.partition_keys)
        rows = deployment.warehouse.read(one.asset, sessions)
        found = sessions_with_broken_rules(schema, rows, sessions)
        counted = rows.group_by("session").agg(pl.len(), known=pl.col(f"{one.name}_state").is_not_nan().sum())
        counts = {day: (n, known) for day, n, known in counted.iter_rows()}
        verdicts = {}
        for day in sessions:
            n, known = counts.get(day, (0, 0))
            verdicts[day] = Verdict(passed=day not in found, text=found.get(day, ""), metadata={"rows": n, "known": known})
        return report(context, verdicts, severity=dg.AssetCheckSeverity.ERROR)

    return contract_of_regimes
