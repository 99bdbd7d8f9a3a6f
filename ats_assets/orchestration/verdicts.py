"""Asset checks over partitions: one verdict for each session, all stored under their partitions, and one result for the run."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

import dagster as dg
import polars as pl

from ats_assets.errors import how_many
from ats_assets.orchestration.event_log import batched_events

NAMED = 10
"""How many failed sessions the result of a run names."""


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """What a check says of one session."""

    passed: bool
    text: str = ""
    metadata: Mapping[str, Any] = field(default_factory=dict)


def quarantine_verdict(rejected: pl.DataFrame, what: str, asset: str) -> Verdict:
    """The verdict on a session of which rows were rejected: the first of them by symbol, with their reasons; passed where there are none.

    Parameters
    ----------
    rejected
        The session's rows that count, with symbol and reasons.
    what, asset
        What the rows are, in the plural, and where they can be looked at.

    Examples
    --------
    >>> quarantine_verdict(pl.DataFrame({"symbol": ["A"], "reasons": [["unknown_kind"]]}), "actions", "rejected_corporate_actions").text
    '1 actions are quarantined: A (unknown_kind); see rejected_corporate_actions'
    """
    if rejected.is_empty():
        return Verdict(passed=True)
    said = [f"{symbol} ({', '.join(reasons)})" for symbol, reasons in rejected.select("symbol", "reasons").head(5).iter_rows()]
    text = f"{rejected.height} {what} are quarantined: {'; '.join(said)}; see {asset}"
    return Verdict(passed=False, text=text, metadata={"rejected": rejected.height})


def report(
    context: dg.AssetCheckExecutionContext, verdicts: Mapping[date, Verdict], *, severity: dg.AssetCheckSeverity
) -> dg.AssetCheckResult:
    """Log each session's verdict under its partition, and return the run's: passed if all are.

    Dagster stores the result of a range run under no partition, so that the partitions would stay without one; and only a returned
    result can block. For a single partition the returned result is all.
    """
    key = context.check_specs[0].key
    if len(verdicts) == 1:
        (only,) = verdicts.values()
        return dg.AssetCheckResult(passed=only.passed, severity=severity, description=only.text, metadata=only.metadata)
    with batched_events(context.instance):
        for session, verdict in verdicts.items():
            context.op_execution_context.log_event(
                dg.AssetCheckEvaluation(  # pyright: ignore[reportArgumentType] - it is one of the events that are taken
                    asset_key=key.asset_key,
                    check_name=key.name,
                    passed=verdict.passed,
                    severity=severity,
                    description=verdict.text,
                    metadata=dict(verdict.metadata),
                    partition=session.isoformat(),
                )
            )
    failed = {session: verdict for session, verdict in verdicts.items() if not verdict.passed}
    named = "; ".join(f"{session}: {verdict.text}" for session, verdict in list(failed.items())[:NAMED])
    more = f" … and {len(failed) - NAMED} more" if len(failed) > NAMED else ""
    return dg.AssetCheckResult(
        passed=not failed,
        severity=severity,
        description=f"{len(failed):,} of {how_many(len(verdicts), 'session')}. {named}{more}"
        if failed
        else how_many(len(verdicts), "session"),
        metadata={"sessions": len(verdicts), "failed_sessions": len(failed)},
    )
