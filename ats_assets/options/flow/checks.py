"""Checks of option flow: how much of it is faulty, and whether each symbol and kind that is asked for has some."""

from datetime import date

import dagster as dg
import polars as pl

from ats_assets.deployment import Deployment
from ats_assets.intraday.refused_ticks import faulty_share, reasons_by_count
from ats_assets.options.flow.flow_screening import FLOW_NO_FAULT
from ats_assets.orchestration.partitions import partitions_of, sessions_of
from ats_assets.orchestration.verdicts import Verdict, report

NAME, OTHERS = "option_flow", "rejected_option_flow"


def checks(deployment: Deployment) -> list[dg.AssetChecksDefinition]:
    """The checks; none without the assets."""
    return [_contract(deployment), _kinds(deployment)] if deployment.settings.option_flow.has_flow else []


def _contract(deployment: Deployment) -> dg.AssetChecksDefinition:
    limit = deployment.settings.option_flow.max_rejected_share

    @dg.asset_check(asset=NAME, name="contract", blocking=True, partitions_def=partitions_of(deployment))
    def contract_of_flow(context: dg.AssetCheckExecutionContext) -> dg.AssetCheckResult:
        """The share of faulty rows, of the worst vintage that is read; a larger one than `option_flow.max_rejected_share` blocks what comes after."""
        verdicts: dict[date, Verdict] = {}
        for day in sessions_of(context.op_execution_context.partition_keys):
            found = [_judged(*_columns(deployment, day, stamp), limit) for stamp in deployment.warehouse.stamps(NAME, day)]
            verdicts[day] = max(found, key=lambda verdict: verdict.metadata["share"])
        return report(context, verdicts, severity=dg.AssetCheckSeverity.ERROR)

    return contract_of_flow


def _columns(deployment: Deployment, day: date, stamp: str) -> tuple[int, pl.Series]:
    """How many rows of a vintage were accepted, and the reasons of the others."""
    warehouse = deployment.warehouse
    accepted = warehouse.read_files(NAME, {day: warehouse.vintage(NAME, day, stamp)}, ["kind"]).height
    return accepted, warehouse.read_files(OTHERS, {day: warehouse.vintage(OTHERS, day, stamp)}, ["reasons"])["reasons"]


def _judged(accepted: int, reasons: pl.Series, limit: float) -> Verdict:
    share, counts = faulty_share(accepted, reasons, FLOW_NO_FAULT), reasons_by_count(reasons)
    told = ", ".join(f"{reason} {count:,}" for reason, count in counts.items())
    text = f"{share:.2%} of the flow is faulty (option_flow.max_rejected_share allows {limit:.2%}): {told}; see {OTHERS}"
    figures = {"share": share, "accepted": accepted, "rejected": len(reasons)}
    return Verdict(passed=share <= limit, text=text if share > limit else "", metadata={**figures, **counts})


def _kinds(deployment: Deployment) -> dg.AssetChecksDefinition:
    @dg.asset_check(asset=NAME, name="kinds", partitions_def=partitions_of(deployment))
    def kinds(context: dg.AssetCheckExecutionContext) -> dg.AssetCheckResult:
        """Whether no kind that the session before had is missing as a whole, which is what a plan that ended looks like; how many rows each kind has is counted."""
        sessions = sessions_of(context.op_execution_context.partition_keys)
        warehouse, calendar = deployment.warehouse, deployment.calendar
        verdicts: dict[date, Verdict] = {}
        for day in sessions:
            counts = dict(warehouse.read(NAME, [day], ["kind"])["kind"].value_counts().sort("kind").iter_rows())
            before = None if day == calendar.first else calendar.offset(day, -1)
            had = warehouse.read(NAME, [before], ["kind"])["kind"].unique().to_list() if before and warehouse.exists(NAME, before) else []
            gone = sorted(set(had) - set(counts))
            text = (
                f"no {', '.join(gone)} of this session, of which {before} had some: see what the source says in raw_option_flow"
                if gone
                else ""
            )
            verdicts[day] = Verdict(passed=not gone, text=text, metadata=counts)
        return report(context, verdicts, severity=dg.AssetCheckSeverity.WARN)

    return kinds
