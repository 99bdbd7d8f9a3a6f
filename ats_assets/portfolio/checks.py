"""Checks of the stage portfolio."""

from collections.abc import Sequence
from datetime import date
from typing import Final

import dagster as dg
import polars as pl

from ats_assets.deployment import Deployment
from ats_assets.errors import how_many
from ats_assets.kernels.weight_limits import holds
from ats_assets.orchestration.partitions import partitions_of, sessions_of
from ats_assets.orchestration.verdicts import Verdict, report
from ats_assets.portfolio.choosing import sessions_kept
from ats_assets.portfolio.held_books import WARNED_SESSIONS
from ats_assets.portfolio.held_parts import NO_SIGNALS

SINCE_WHEN: Final = rf"^(\w+): {NO_SIGNALS}(\d{{4}}-\d\d-\d\d), "
"""Of a reason: which strategy has had no signals, and since when."""


def checks(deployment: Deployment) -> list[dg.AssetChecksDefinition]:
    """The stage's checks."""
    return [_limits(deployment), *([_without_signals(deployment, kept)] if (kept := deployment.of(sessions_kept)) else [])]


def _without_signals(deployment: Deployment, kept: int) -> dg.AssetChecksDefinition:
    @dg.asset_check(asset="targets", name="without_signals", blocking=False, partitions_def=partitions_of(deployment))
    def without_signals(context: dg.AssetCheckExecutionContext) -> dg.AssetCheckResult:
        """Whether a strategy that holds something has had no signals for so long that it will soon be no longer known what."""
        sessions = sessions_of(context.op_execution_context.partition_keys)
        told = deployment.warehouse.read("targets", sessions, ["session", "reasons"])
        days = deployment.calendar.sessions(deployment.calendar.window(sessions[0], kept + 1)[0], sessions[-1])
        found = soon_unknown(told, days, kept)
        verdicts = {day: Verdict(passed=day not in found, text="; ".join(found.get(day, ()))) for day in sessions}
        return report(context, verdicts, severity=dg.AssetCheckSeverity.WARN)

    return without_signals


def soon_unknown(targets: pl.DataFrame, days: Sequence[date], kept: int) -> dict[date, list[str]]:
    """Session -> what is to be said of strategies whose last book is known for `WARNED_SESSIONS` more at most, and half of all of them.

    Parameters
    ----------
    targets
        session, reasons.
    days
        Sessions of the exchange, from `kept` before the first of them.
    kept
        `portfolio.without_signals_sessions`.

    Examples
    --------
    >>> days = [date(2024, 1, i) for i in (2, 3, 4)]
    >>> reasons = [["mine: no signals since 2024-01-02, what it held stays"]]
    >>> soon_unknown(pl.DataFrame({"session": days[2:], "reasons": reasons}), days, 3)[days[2]][0].partition(":")[0]
    'mine has had no signals since 2024-01-02, for 2 of 3 sessions'
    """
    said = targets.explode("reasons").unique().select("session", pl.col("reasons").str.extract_groups(SINCE_WHEN).struct.unnest())
    place, found = {day: i for i, day in enumerate(days)}, dict[date, list[str]]()
    for day, name, since in said.drop_nulls().unique().sort(pl.all()).iter_rows():
        age = place[day] - place[date.fromisoformat(since)]
        if kept - age <= min(WARNED_SESSIONS, kept // 2):
            left = f"in {how_many(kept - age, 'session')}" if kept > age else "from the next session on"
            found.setdefault(day, []).append(
                f"{name} has had no signals since {since}, for {age} of {how_many(kept, 'session')}: {left} nobody knows what it holds, and where another strategy has signals it is sold. See "
                f"why {name} has none (the log of its run), take its capital away if it is to end, or set a larger portfolio.without_signals_sessions"
            )
    return found


def _limits(deployment: Deployment) -> dg.AssetChecksDefinition:
    settings = deployment.settings.portfolio

    @dg.asset_check(asset="targets", name="limits", blocking=True, partitions_def=partitions_of(deployment))
    def limits(context: dg.AssetCheckExecutionContext) -> dg.AssetCheckResult:
        """Whether the target weights keep the limits on weight, gross and net exposure; nothing may trade on those that do not."""
        sessions = sessions_of(context.op_execution_context.partition_keys)
        weights = deployment.warehouse.read("targets", sessions, ["session", "target_weight"])
        by_session = {key[0]: rows["target_weight"].to_numpy() for key, rows in weights.group_by("session", maintain_order=True)}
        none = pl.Series([], dtype=pl.Float64).to_numpy()
        verdicts = {}
        for day in sessions:
            w = by_session.get(day, none)
            gross, net = float(abs(w).sum()), float(w.sum())
            text = f"gross {gross:.4f}, net {net:+.4f}, largest {float(abs(w).max(initial=0.0)):.4f}"
            verdicts[day] = Verdict(passed=holds(w, settings), text=text, metadata={"gross": gross, "net": net})
        return report(context, verdicts, severity=dg.AssetCheckSeverity.ERROR)

    return limits
