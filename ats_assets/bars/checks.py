"""Checks of the stage bars."""

from datetime import UTC, date, datetime

import dagster as dg
import polars as pl

from ats_assets.bars.action_schema import CORPORATE_ACTIONS_SCHEMA
from ats_assets.bars.completeness import completeness, freshness
from ats_assets.bars.schema import BARS_SCHEMA
from ats_assets.bars.suspicions import suspicion_counts, suspicions
from ats_assets.deployment import Deployment
from ats_assets.graph import window_sessions
from ats_assets.partitions import Reads, session_partitions, sessions_of
from ats_assets.verdicts import Verdict, report

WARN, ERROR = dg.AssetCheckSeverity.WARN, dg.AssetCheckSeverity.ERROR


def checks(deployment: Deployment) -> list[dg.AssetChecksDefinition]:
    """The stage's checks."""
    return [_contract(deployment), _completeness(deployment), _suspicions(deployment), _freshness(deployment), _actions(deployment)]


def _sessions(context: dg.AssetCheckExecutionContext) -> list[date]:
    return sessions_of(context.op_execution_context.partition_keys)


def _contract(deployment: Deployment) -> dg.AssetChecksDefinition:
    limit = deployment.settings.bars.max_rejected_share

    @dg.asset_check(asset="bars", name="contract", blocking=True, partitions_def=session_partitions(deployment.calendar))
    def contract(context: dg.AssetCheckExecutionContext) -> dg.AssetCheckResult:
        """The share of rows that break the contract; a larger one than `bars.max_rejected_share` blocks what comes after."""
        sessions = _sessions(context)
        accepted = _counts(deployment.warehouse.read("bars", sessions, ["session"]))
        rows = deployment.warehouse.read("rejected_bars", sessions, ["session", "date"])
        of_other_days = (pl.col("date") != pl.col("session")).fill_null(value=False)
        rejected, strays = _counts(rows.filter(~of_other_days)), _counts(rows.filter(of_other_days))
        verdicts = {day: _judged(accepted.get(day, 0), rejected.get(day, 0), strays.get(day, 0), limit) for day in sessions}
        return report(context, verdicts, severity=ERROR)

    return contract


def _counts(rows: pl.DataFrame) -> dict[date, int]:
    return dict(rows.group_by("session").len().iter_rows())


def _judged(accepted: int, rejected: int, strays: int, limit: float) -> Verdict:
    """Rows of another day (a weekend, the future) say little of this session's: they count only where they are as many as its own, as where all stamps are a day off."""
    if strays <= accepted:
        share = rejected / (accepted + rejected) if accepted + rejected else 0.0
    else:
        rejected += strays
        share = rejected / (accepted + rejected)
    text = f"{rejected} of {accepted + rejected} rows are rejected ({share:.2%}; bars.max_rejected_share allows {limit:.2%}): see rejected_bars"
    return Verdict(
        passed=share <= limit, text=text if share > limit else "", metadata={"rejected": rejected, "share": share, "of_other_days": strays}
    )


def _completeness(deployment: Deployment) -> dg.AssetChecksDefinition:
    limit = deployment.settings.bars.min_present_share

    @dg.asset_check(asset="bars", name="completeness", partitions_def=session_partitions(deployment.calendar))
    def complete(context: dg.AssetCheckExecutionContext) -> dg.AssetCheckResult:
        """The share of the previous session's symbols that are here again."""
        sessions = _sessions(context)
        frame = deployment.read("bars", window_sessions(deployment.calendar, sessions, 1), BARS_SCHEMA, ["symbol", "session"])
        symbols = {key[0]: rows["symbol"].to_list() for key, rows in frame.group_by("session", maintain_order=True)}
        verdicts = {}
        for day in sessions:
            found = completeness(symbols.get(_previous(deployment, day), []), symbols.get(day, []))
            text = f"{found.present_share:.1%} of the previous session's symbols; missing: {', '.join(found.missing[:5])}"
            verdicts[day] = Verdict(
                passed=found.present_share >= limit,
                text=text if found.missing else "",
                metadata={"present_share": found.present_share, "missing": len(found.missing), "new": len(found.new)},
            )
        return report(context, verdicts, severity=WARN)

    return complete


def _previous(deployment: Deployment, session: date) -> date | None:
    return deployment.calendar.offset(session, -1) if session > deployment.calendar.first else None


def _suspicions(deployment: Deployment) -> dg.AssetChecksDefinition:
    settings = deployment.settings.bars.suspicions

    known = dg.AssetDep("corporate_actions", partition_mapping=Reads(asset="corporate_actions", back=settings.lookback_sessions).mapping())

    @dg.asset_check(asset="bars", name="suspicions", partitions_def=session_partitions(deployment.calendar), additional_deps=[known])
    def suspicious(context: dg.AssetCheckExecutionContext) -> dg.AssetCheckResult:
        """What is allowed but looks wrong: splits that nobody adjusted, stale prices, spikes, twins, symbols that came or went."""
        sessions = _sessions(context)
        window = window_sessions(deployment.calendar, sessions, settings.lookback_sessions)
        bars = deployment.read("bars", window, BARS_SCHEMA)
        actions = deployment.read("corporate_actions", _intact(deployment, "corporate_actions", window), CORPORATE_ACTIONS_SCHEMA)
        found = suspicions(bars, sessions, settings, calendar=deployment.calendar, actions=actions)
        by_session = {key[0]: rows for key, rows in found.group_by("session", maintain_order=True)}
        return report(context, {day: _suspected(by_session.get(day, found.clear())) for day in sessions}, severity=WARN)

    return suspicious


def _intact(deployment: Deployment, asset: str, sessions: list[date]) -> list[date]:
    """The sessions of which a sound file is there: bars are made, and healed, before the actions, and a warning must not stop that."""
    warehouse = deployment.warehouse
    return [day for day in sessions if warehouse.exists(asset, day) and not warehouse.fault(warehouse.path(asset, day))]


def _suspected(found: pl.DataFrame) -> Verdict:
    if found.is_empty():
        return Verdict(passed=True)
    counted = suspicion_counts(found).filter(pl.col("count") > 0)
    text = "; ".join(f"{rule}: {count} ({', '.join(symbols)})" for rule, count, symbols in counted.iter_rows())
    return Verdict(passed=False, text=text, metadata={rule: count for rule, count, _ in counted.iter_rows()})


def _actions(deployment: Deployment) -> dg.AssetChecksDefinition:
    @dg.asset_check(asset="corporate_actions", name="contract", partitions_def=session_partitions(deployment.calendar))
    def actions(context: dg.AssetCheckExecutionContext) -> dg.AssetCheckResult:
        """Whether an action was set aside: what it did to the price is then not adjusted for."""
        sessions = _sessions(context)
        rejected = deployment.warehouse.read("rejected_corporate_actions", sessions)
        by_session = {key[0]: rows for key, rows in rejected.group_by("session", maintain_order=True)}
        return report(context, {day: _set_aside(by_session.get(day, rejected.clear())) for day in sessions}, severity=WARN)

    return actions


def _set_aside(rejected: pl.DataFrame) -> Verdict:
    if rejected.is_empty():
        return Verdict(passed=True)
    said = [f"{symbol} ({', '.join(reasons)})" for symbol, reasons in rejected.select("symbol", "reasons").head(5).iter_rows()]
    text = f"{rejected.height} actions are set aside: {'; '.join(said)}; see rejected_corporate_actions"
    return Verdict(passed=False, text=text, metadata={"rejected": rejected.height})


def _now(deployment: Deployment) -> datetime:
    """The time that freshness is judged at: a synthetic market has its last session in the settings, so nothing is due after it."""
    source = deployment.settings.source
    now = datetime.now(UTC)
    if source.kind != "synthetic":
        return now
    return min(now, deployment.calendar.closes_at(deployment.calendar.on_or_before(source.synthetic.last_session)))


def _freshness(deployment: Deployment) -> dg.AssetChecksDefinition:
    @dg.asset_check(asset="bars", name="freshness")
    def fresh() -> dg.AssetCheckResult:
        """Whether every session that is due by the calendar is stored, gaps included."""
        found = freshness(
            deployment.warehouse.sessions("bars"),
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
