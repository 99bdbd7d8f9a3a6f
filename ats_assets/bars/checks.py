"""Checks of the stage bars."""

from collections.abc import Sequence
from datetime import UTC, date, datetime

import dagster as dg
import polars as pl

from ats_assets.bars.completeness import completeness, freshness
from ats_assets.bars.refusal import rejection
from ats_assets.bars.suspicion_baseline import BASELINE_SESSIONS, RuleCount, rule_counts
from ats_assets.bars.suspicions import suspicion_counts, suspicions
from ats_assets.corporate_actions.schema import KNOWN_SCHEMAS
from ats_assets.deployment import Deployment
from ats_assets.orchestration.graph import window_sessions
from ats_assets.orchestration.partitions import Reads, partitions_of, sessions_of
from ats_assets.orchestration.reading import Known
from ats_assets.orchestration.verdicts import Verdict, report

WARN, ERROR = dg.AssetCheckSeverity.WARN, dg.AssetCheckSeverity.ERROR


def checks(deployment: Deployment) -> list[dg.AssetChecksDefinition]:
    """The stage's checks."""
    return [_contract(deployment), _completeness(deployment), _suspicions(deployment), _freshness(deployment)]


def _sessions(context: dg.AssetCheckExecutionContext) -> list[date]:
    return sessions_of(context.op_execution_context.partition_keys)


def _contract(deployment: Deployment) -> dg.AssetChecksDefinition:
    limit = deployment.settings.bars.max_rejected_share

    @dg.asset_check(asset="bars", name="contract", blocking=True, partitions_def=partitions_of(deployment))
    def contract(context: dg.AssetCheckExecutionContext) -> dg.AssetCheckResult:
        """The share of rows that break the contract, of the worst vintage that is read; a larger one than `bars.max_rejected_share` blocks what comes after."""
        sessions = _sessions(context)
        accepted = _rows(deployment, "bars", sessions, ["session"])
        rejected = _rows(deployment, "rejected_bars", sessions, ["session", "date"])
        verdicts: dict[date, Verdict] = {}
        for (day, stamp), rows in sorted(accepted.items()):
            found = _judged(rows.height, rejected[day, stamp], limit)
            if day not in verdicts or found.metadata["share"] > verdicts[day].metadata["share"]:
                verdicts[day] = found
        return report(context, verdicts, severity=ERROR)

    return contract


def _rows(deployment: Deployment, asset: str, sessions: list[date], columns: list[str]) -> dict[tuple[date, str], pl.DataFrame]:
    """Session and vintage -> its rows."""
    found: dict[tuple[date, str], pl.DataFrame] = {}
    stamps = {day: deployment.warehouse.stamps(asset, day) for day in sessions}
    for i in range(max(map(len, stamps.values()))):
        layer = {day: of_day[i] for day, of_day in stamps.items() if i < len(of_day)}
        files = {day: deployment.warehouse.vintage(asset, day, stamp) for day, stamp in layer.items()}
        rows = deployment.warehouse.read_files(asset, files, columns)
        parts = {key[0]: part for key, part in rows.group_by("session", maintain_order=True)}
        found |= {(day, stamp): parts.get(day, rows.clear()) for day, stamp in layer.items()}
    return found


def _judged(accepted: int, rows: pl.DataFrame, limit: float) -> Verdict:
    found = rejection(accepted, rows)
    text = f"{found.rejected} of {accepted + found.rejected} rows are rejected ({found.share:.2%}; bars.max_rejected_share allows {limit:.2%}): see rejected_bars"
    return Verdict(passed=found.share <= limit, text=text if found.share > limit else "", metadata=vars(found))


def _completeness(deployment: Deployment) -> dg.AssetChecksDefinition:
    limit = deployment.settings.bars.min_present_share

    yesterday = Reads(asset="bars", back=1)

    @dg.asset_check(asset="bars", name="completeness", partitions_def=partitions_of(deployment))
    def complete(context: dg.AssetCheckExecutionContext) -> dg.AssetCheckResult:
        """The share of the previous session's symbols that are here again."""
        sessions = _sessions(context)
        known = Known(deployment, "completeness", [yesterday])
        verdicts: dict[date, Verdict] = {}
        for run in known.runs(sessions):
            frame = known.frame(yesterday, run, KNOWN_SCHEMAS["bars"], columns=["symbol", "session"])
            symbols = {key[0]: rows["symbol"].to_list() for key, rows in frame.group_by("session", maintain_order=True)}
            verdicts |= {day: _complete(symbols.get(_previous(deployment, day), []), symbols.get(day, []), limit) for day in run}
        return report(context, verdicts, severity=WARN)

    return complete


def _complete(previous: list[str], present: list[str], limit: float) -> Verdict:
    found = completeness(previous, present)
    text = f"{found.present_share:.1%} of the previous session's symbols; missing: {', '.join(found.missing[:5])}"
    return Verdict(
        passed=found.present_share >= limit,
        text=text if found.missing else "",
        metadata={"present_share": found.present_share, "missing": len(found.missing), "new": len(found.new)},
    )


def _previous(deployment: Deployment, session: date) -> date | None:
    return deployment.calendar.offset(session, -1) if session > deployment.calendar.first else None


def _suspicions(deployment: Deployment) -> dg.AssetChecksDefinition:
    settings = deployment.settings.bars.suspicions
    back = BASELINE_SESSIONS + settings.lookback_sessions
    reads = [Reads(asset=asset, back=back) for asset in ("bars", "corporate_actions")]
    beside = dg.AssetDep("corporate_actions", partition_mapping=reads[1].mapping())

    @dg.asset_check(asset="bars", name="suspicions", partitions_def=partitions_of(deployment), additional_deps=[beside])
    def suspicious(context: dg.AssetCheckExecutionContext) -> dg.AssetCheckResult:
        """More than usual of what is allowed but looks wrong: splits that nobody adjusted, stale prices, spikes, twins. Symbols that came or went are told, too."""
        sessions = _sessions(context)
        known = Known(deployment, "suspicions", reads)
        verdicts: dict[date, Verdict] = {}
        for run in known.runs(sessions):
            # bars are made, and healed, before the actions, and a warning must not stop that
            bars, actions = (known.frame(of, run, KNOWN_SCHEMAS[of.asset], sound_only=True) for of in reads)
            days = window_sessions(deployment.calendar, run, BASELINE_SESSIONS)
            found = suspicions(bars, days, settings, calendar=deployment.calendar, actions=actions)
            counts = rule_counts(found, dict(bars.group_by("session").len().iter_rows()), days, run)
            verdicts |= {day: _suspected(counts[day], found.filter(session=day)) for day in run}
        return report(context, verdicts, severity=WARN)

    return suspicious


def _suspected(counts: Sequence[RuleCount], found: pl.DataFrame) -> Verdict:
    symbols = {rule: names for rule, _, names in suspicion_counts(found).iter_rows()}
    faults = [one for one in counts if one.is_fault]
    others = [one for one in counts if not one.is_fault]
    told = [
        f"{one.rule}: {one.found}, usually up to {f'{one.limit:.1f}'.removesuffix('.0')} ({', '.join(symbols[one.rule])})" for one in faults
    ]
    told += [f"{one.rule}: {one.found} ({', '.join(symbols[one.rule])}), {'as usual' if one.limit else 'news'}" for one in others]
    limits = {f"{one.rule}_limit": one.limit for one in counts if one.limit is not None}
    return Verdict(passed=not faults, text="; ".join(told), metadata={one.rule: one.found for one in counts} | limits)


def _now(deployment: Deployment) -> datetime:
    """The time that freshness is judged at: where the source has its last session in the settings, as the synthetic market has, nothing is due after it."""
    now, last = datetime.now(UTC), deployment.source_ends
    return now if last is None else min(now, deployment.calendar.closes_at(deployment.calendar.on_or_before(last)))


def _freshness(deployment: Deployment) -> dg.AssetChecksDefinition:
    @dg.asset_check(asset="bars", name="freshness")
    def fresh() -> dg.AssetCheckResult:
        """Whether every session that is due by the calendar is stored, gaps included."""
        found = freshness(
            deployment.valid_sessions("bars"),
            _now(deployment),
            calendar=deployment.calendar,
            max_late_sessions=deployment.settings.bars.max_late_sessions,
        )
        text = f"newest session {found.newest}, due {found.due}; {len(found.late)} late, {len(found.gaps)} missing in between"
        return dg.AssetCheckResult(
            passed=found.is_fresh,
            severity=WARN,
            description=text,
            metadata={
                "newest": str(found.newest),
                "due": str(found.due),
                "late": len(found.late),
                "gaps": [str(day) for day in found.gaps[:20]],
            },
        )

    return fresh
