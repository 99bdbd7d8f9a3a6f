"""Checks of the stage intraday, one session after the other, since ticks are many."""

from collections.abc import Sequence
from datetime import date

import dagster as dg
import polars as pl

from ats_assets.deployment import Deployment
from ats_assets.intraday.bar_faults import faults_of_bars, faults_of_measures
from ats_assets.intraday.choosing import samplers, tick_assets
from ats_assets.intraday.conditions import allowed
from ats_assets.intraday.microstructure_rows import MEASURES, MICROSTRUCTURE
from ats_assets.intraday.refused_ticks import faulty_share, reasons_by_count
from ats_assets.intraday.tick_source import What
from ats_assets.orchestration.partitions import partitions_of, sessions_of
from ats_assets.orchestration.verdicts import Verdict, report

WARN, ERROR = dg.AssetCheckSeverity.WARN, dg.AssetCheckSeverity.ERROR
MOST_UNKNOWN = 0.01
"""The share of trades with a condition code that is in no table, above which the codes are probably somebody else's."""


def checks(deployment: Deployment) -> list[dg.AssetChecksDefinition]:
    """The stage's checks: none without its assets."""
    named, frame = tick_assets(deployment), deployment.settings.microstructure.frame
    return [
        *(_contract(deployment, what) for what in named),
        *([_conditions(deployment)] if "trades" in named else []),
        *(_contract_of_bars(deployment, name) for name in deployment.of(samplers)),
        *([_contract_of_measures(deployment, frame)] if frame else []),
    ]


def _sessions(context: dg.AssetCheckExecutionContext) -> list[date]:
    return sessions_of(context.op_execution_context.partition_keys)


def _contract(deployment: Deployment, what: What) -> dg.AssetChecksDefinition:
    limit = deployment.settings.intraday.screening.max_rejected_share

    @dg.asset_check(asset=what, name="contract", blocking=True, partitions_def=partitions_of(deployment))
    def contract(context: dg.AssetCheckExecutionContext) -> dg.AssetCheckResult:
        """The share of faulty ticks, of the worst vintage that is read; a larger one than `intraday.screening.max_rejected_share` blocks what comes after."""
        verdicts: dict[date, Verdict] = {}
        for day in _sessions(context):
            stamps = deployment.warehouse.stamps(what, day)
            found = [_judged(_columns(deployment, what, day, stamp), limit, what) for stamp in stamps]
            verdicts[day] = max(found, key=lambda verdict: verdict.metadata["share"])
        return report(context, verdicts, severity=ERROR)

    return contract


def _columns(deployment: Deployment, what: What, day: date, stamp: str) -> tuple[int, pl.Series]:
    """How many ticks of a vintage were accepted, and the reasons of the others."""
    warehouse, bad = deployment.warehouse, f"rejected_{what}"
    accepted = warehouse.read_files(what, {day: warehouse.vintage(what, day, stamp)}, ["sequence"]).height
    return accepted, warehouse.read_files(bad, {day: warehouse.vintage(bad, day, stamp)}, ["reasons"])["reasons"]


def _judged(found: tuple[int, pl.Series], limit: float, what: What) -> Verdict:
    accepted, reasons = found
    share = faulty_share(accepted, reasons)
    counts = reasons_by_count(reasons)
    told = ", ".join(f"{reason} {count:,}" for reason, count in counts.items())
    text = f"{share:.2%} of the ticks are faulty (intraday.screening.max_rejected_share allows {limit:.2%}): {told}; see rejected_{what}"
    if counts.get("bid_missing", 0) + counts.get("ask_missing", 0) > accepted:
        text += '. Nearly all quotes have one side alone: if a side of zero means that it is unchanged, set intraday.screening.one_sided = "unchanged"'
    figures = {"share": share, "accepted": accepted, "rejected": len(reasons)}
    return Verdict(passed=share <= limit, text=text if share > limit else "", metadata={**figures, **counts})


def _conditions(deployment: Deployment) -> dg.AssetChecksDefinition:
    scheme = deployment.settings.intraday.screening.conditions

    @dg.asset_check(asset="trades", name="conditions", partitions_def=partitions_of(deployment))
    def conditions(context: dg.AssetCheckExecutionContext) -> dg.AssetCheckResult:
        """How many trades may set no price or add no volume by their condition codes, and how many have a code that is in no table."""
        verdicts: dict[date, Verdict] = {}
        for day in _sessions(context):
            rows = deployment.warehouse.read("trades", [day], ["conditions", "for_price", "for_high_low", "for_volume"])
            tape = pl.Series([None], dtype=pl.String).new_from_index(0, rows.height)
            unknown = int((allowed(rows["conditions"], tape, scheme)["unknown"] > 0).sum())
            set_no = {f"not_{name}": int((~rows[name]).sum()) for name in ("for_price", "for_high_low", "for_volume")}
            text = f"{unknown:,} of {rows.height:,} trades have a condition code that {scheme!r} does not know: check intraday.screening.conditions"
            passed = unknown <= MOST_UNKNOWN * rows.height
            verdicts[day] = Verdict(passed=passed, text="" if passed else text, metadata={"unknown": unknown, **set_no})
        return report(context, verdicts, severity=WARN)

    return conditions


def _contract_of_bars(deployment: Deployment, name: str) -> dg.AssetChecksDefinition:
    @dg.asset_check(asset=name, name="contract", blocking=True, partitions_def=partitions_of(deployment))
    def contract_of_bars(context: dg.AssetCheckExecutionContext) -> dg.AssetCheckResult:
        """Whether prices are positive and lie between low and high, no bar is known before it begins, none is there twice, and those of a symbol follow each other."""
        verdicts: dict[date, Verdict] = {}
        for day in _sessions(context):
            bars = deployment.warehouse.read(name, [day])
            faults = faults_of_bars(bars)
            figures = {
                "bars": bars.height,
                "symbols": bars["symbol"].n_unique(),
                "closed_by_session_end": bars.filter(closed_by="session_end").height,
            }
            verdicts[day] = Verdict(passed=not faults, text=_some(faults), metadata=figures)
        return report(context, verdicts, severity=ERROR)

    return contract_of_bars


def _contract_of_measures(deployment: Deployment, frame: str) -> dg.AssetChecksDefinition:
    @dg.asset_check(asset=MICROSTRUCTURE, name="contract", blocking=True, partitions_def=partitions_of(deployment))
    def contract_of_measures(context: dg.AssetCheckExecutionContext) -> dg.AssetCheckResult:
        """Whether each bar of the frame has one row, of the columns of the contract and within their bounds; missing values are counted."""
        verdicts: dict[date, Verdict] = {}
        for day in _sessions(context):
            rows, bars = (deployment.warehouse.read(asset, [day]) for asset in (MICROSTRUCTURE, frame))
            faults = faults_of_measures(rows, bars)
            missing = {f"missing_{name}": rows[name].is_nan().mean() for name in MEASURES if name in rows.columns and rows.height}
            verdicts[day] = Verdict(passed=not faults, text=_some(faults), metadata={"rows": rows.height, **missing})
        return report(context, verdicts, severity=ERROR)

    return contract_of_measures


def _some(faults: Sequence[str]) -> str:
    return "; ".join(faults[:3]) + (f" and {len(faults) - 3} more" if len(faults) > 3 else "")
