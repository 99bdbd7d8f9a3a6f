"""Checks of the stage exports: each store holds what the warehouse has."""

from datetime import date

import dagster as dg

from ats_assets.deployment import Deployment
from ats_assets.errors import ExportError, how_many
from ats_assets.exports.choosing import NamedExport, exported_tables, exports
from ats_assets.exports.comparing import differences_of_store, sessions_compared
from ats_assets.exports.exported_partitions import sessions_of_all
from ats_assets.orchestration.partitions import partitions_of, sessions_of
from ats_assets.orchestration.verdicts import Verdict, report

CHECK = "same_as_the_warehouse"


def checks(deployment: Deployment) -> list[dg.AssetChecksDefinition]:
    """The stage's checks: one for each export."""
    return [_same(deployment, one) for one in deployment.of(exports).values()]


def _same(deployment: Deployment, one: NamedExport) -> dg.AssetChecksDefinition:
    @dg.asset_check(asset=one.asset, name=CHECK, partitions_def=partitions_of(deployment))
    def same_as_the_warehouse(context: dg.AssetCheckExecutionContext) -> dg.AssetCheckResult:
        """Whether what comes back from the store is what the warehouse has, byte for byte; and whether the server may drop it by itself."""
        sessions = sessions_of(context.op_execution_context.partition_keys)
        return report(context, judge_store(deployment, one, sessions), severity=dg.AssetCheckSeverity.WARN)

    return same_as_the_warehouse


def judge_store(deployment: Deployment, one: NamedExport, sessions: list[date]) -> dict[date, Verdict]:
    """A verdict for each session; of one that the store is not to hold, there is nothing to compare."""
    verdicts = {session: Verdict(passed=True, text="older than what the store holds") for session in sessions}
    compared = sessions_compared(one, sessions_of_all(deployment, one.assets), sessions)
    tables = exported_tables(deployment, one)
    try:
        with one.store.connected() as connection:
            remarks = connection.remarks()
            for session in compared:
                found = differences_of_store(deployment, connection, tables, session)
                told = [f"{each.asset} {each.text}" for each in found] + remarks
                text = "; ".join(told) or f"{how_many(len(tables), 'asset')} the same"
                verdicts[session] = Verdict(passed=not told, text=text)
    except ExportError as error:
        verdicts |= {session: Verdict(passed=False, text=str(error)) for session in compared}
    return verdicts
