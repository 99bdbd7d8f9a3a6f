"""Checks of the stage sources: a profile of each delivery."""

import importlib

import dagster as dg

from ats_assets.deployment import Deployment
from ats_assets.orchestration.memory_blocks import blocks_of_step
from ats_assets.orchestration.partitions import Reads, partitions_of, sessions_of
from ats_assets.orchestration.verdicts import Verdict, report
from ats_assets.secrecy import redacted
from ats_assets.sources.profiling import profiles
from ats_assets.storage.second_process import SecondProcessError

LAST = {"dagster/priority": "-10"}
"""Of the steps that could run the others come first: by then the profile is done."""


def checks(deployment: Deployment) -> list[dg.AssetChecksDefinition]:
    """The stage's checks, and those of what the source collects, where its module has some."""
    own = [_profile(deployment)] if deployment.settings.bars.profile else []
    collecting = importlib.import_module(deployment.source_plugin.collecting) if deployment.collected else None
    return [*own, *getattr(collecting, "checks", _none)(deployment)]


def _none(_deployment: Deployment) -> list[dg.AssetChecksDefinition]:
    return []


def _profile(deployment: Deployment) -> dg.AssetChecksDefinition:
    @dg.asset_check(asset="raw_bars", name="profile", partitions_def=partitions_of(deployment), op_tags=LAST)
    def profiled(context: dg.AssetCheckExecutionContext) -> dg.AssetCheckResult:
        """Whether the delivery that a session came with meets all expectations about deliveries, with the page of Great Expectations about it.

        Of a delivery that does not fit into memory (`runs.max_memory_mb`) the newest sessions that do are looked at.
        """
        sessions = sessions_of(context.op_execution_context.partition_keys)
        under_way = deployment.of(profiles)
        if not under_way.has(sessions):
            newest = blocks_of_step(deployment, "raw_bars", (Reads(asset="raw_bars"),), sessions)[-1]
            under_way.begin(sessions, deployment.warehouse.read("raw_bars", newest))
        try:
            found = under_way.take(sessions)
        except SecondProcessError as error:
            verdict = Verdict(passed=False, text=redacted(f"the delivery could not be profiled: {error}"))
        else:
            met = f"{found.evaluated - len(found.failed)} of {found.evaluated} expectations met"
            page = {"data_docs": dg.MetadataValue.path(str(found.page)), "expectations": met}
            verdict = Verdict(passed=found.success, text="; ".join([met, *found.failed]), metadata=page)
        return report(context, dict.fromkeys(sessions, verdict), severity=dg.AssetCheckSeverity.WARN)

    return profiled
