"""Checks of the stage regimes: one contract for each entry."""

import dagster as dg

from ats_assets.deployment import Deployment
from ats_assets.orchestration.partitions import partitions_of, sessions_of
from ats_assets.orchestration.verdicts import Verdict, report
from ats_assets.regimes.choosing import NamedRegimes, regimes
from ats_assets.regimes.contracts import regimes_contract
from ats_assets.sources.broken_rules import broken_rules


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
        state = f"{one.name}_state"
        verdicts = {}
        for day in sessions:
            own = rows.filter(session=day)
            said, known = broken_rules(schema, own), int(own[state].is_not_nan().sum())
            verdicts[day] = Verdict(passed=not said, text=said, metadata={"rows": own.height, "known": known})
        return report(context, verdicts, severity=dg.AssetCheckSeverity.ERROR)

    return contract_of_regimes
