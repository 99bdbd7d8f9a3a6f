"""Checks of the stage options, one session after the other, since contracts are many."""

from datetime import date

import dagster as dg
import polars as pl

from ats_assets.deployment import Deployment
from ats_assets.intraday.refused_ticks import faulty_share, reasons_by_count
from ats_assets.options.chain_screening import CHAIN_NO_FAULT
from ats_assets.orchestration.partitions import partitions_of, sessions_of
from ats_assets.orchestration.verdicts import Verdict, report

WARN, ERROR = dg.AssetCheckSeverity.WARN, dg.AssetCheckSeverity.ERROR
MOST_UNPRICED = 0.5
"""The share of a session's contracts without a price above which its source is probably read wrongly."""


def checks(deployment: Deployment) -> list[dg.AssetChecksDefinition]:
    """The stage's checks: none without `[options.chains]`."""
    return [_contract(deployment), _priced_and_spotted(deployment)] if deployment.settings.options.has_chains else []


def _contract(deployment: Deployment) -> dg.AssetChecksDefinition:
    limit = deployment.settings.options.screening.max_rejected_share

    @dg.asset_check(asset="option_chains", name="contract", blocking=True, partitions_def=partitions_of(deployment))
    def contract(context: dg.AssetCheckExecutionContext) -> dg.AssetCheckResult:
        """The share of faulty rows, of the worst vintage that is read; a larger one than `options.screening.max_rejected_share` blocks what comes after."""
        verdicts: dict[date, Verdict] = {}
        for day in sessions_of(context.op_execution_context.partition_keys):
            stamps = deployment.warehouse.stamps("option_chains", day)
            found = [_judged(*_columns(deployment, day, stamp), limit) for stamp in stamps]
            verdicts[day] = max(found, key=lambda verdict: verdict.metadata["share"])
        return report(context, verdicts, severity=ERROR)

    return contract


def _columns(deployment: Deployment, day: date, stamp: str) -> tuple[int, pl.Series]:
    """How many rows of a vintage were accepted, and the reasons of the others."""
    warehouse, bad = deployment.warehouse, "rejected_option_chains"
    accepted = warehouse.read_files("option_chains", {day: warehouse.vintage("option_chains", day, stamp)}, ["contract"]).height
    return accepted, warehouse.read_files(bad, {day: warehouse.vintage(bad, day, stamp)}, ["reasons"])["reasons"]


def _judged(accepted: int, reasons: pl.Series, limit: float) -> Verdict:
    share, counts = faulty_share(accepted, reasons, CHAIN_NO_FAULT), reasons_by_count(reasons)
    told = ", ".join(f"{reason} {count:,}" for reason, count in counts.items())
    text = f"{share:.2%} of the contracts are faulty (options.screening.max_rejected_share allows {limit:.2%}): {told}; see rejected_option_chains"
    figures = {"share": share, "accepted": accepted, "rejected": len(reasons)}
    return Verdict(passed=share <= limit, text=text if share > limit else "", metadata={**figures, **counts})


def _priced_and_spotted(deployment: Deployment) -> dg.AssetChecksDefinition:
    @dg.asset_check(asset="option_chains", name="prices", partitions_def=partitions_of(deployment))
    def prices(context: dg.AssetCheckExecutionContext) -> dg.AssetCheckResult:
        """Whether nearly all contracts have a price, and every underlying one too; how many have no spread, so that they can't be traded, is counted."""
        verdicts: dict[date, Verdict] = {}
        for day in sessions_of(context.op_execution_context.partition_keys):
            rows = deployment.warehouse.read("option_chains", [day], ["underlying", "mark", "half_spread"])
            bad = deployment.warehouse.read("rejected_option_chains", [day], ["underlying", "reasons"])
            spotless = bad.filter(pl.col("reasons").list.contains("no_underlying"))["underlying"].drop_nulls().unique().sort().to_list()
            unpriced = rows["mark"].null_count()
            faults = (
                [f"nothing says what {', '.join(spotless[:5])} cost: see options.spot and options.symbol_by_underlying"] if spotless else []
            )
            if unpriced > MOST_UNPRICED * rows.height:
                faults.append(f"{unpriced:,} of {rows.height:,} contracts have no price: see options.unquoted_mark")
            figures = {"contracts": rows.height, "unpriced": unpriced, "without_spread": rows["half_spread"].null_count()}
            verdicts[day] = Verdict(passed=not faults, text="; ".join(faults), metadata=figures)
        return report(context, verdicts, severity=WARN)

    return prices
