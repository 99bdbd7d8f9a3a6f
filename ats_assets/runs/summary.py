"""What a run has come to, in figures."""

import json
import resource
import sys
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl

from ats_assets.deployment import Deployment
from ats_assets.errors import SettingsError
from ats_assets.evaluation.schema import SKILL_SCHEMA
from ats_assets.evaluation.skill_summary import skill_summary
from ats_assets.features.choosing import judged_families
from ats_assets.orchestration.graph import asset_name
from ats_assets.reports import REPORT
from ats_assets.reports.json_form import without_nan
from ats_assets.reports.turnover_limit import limit_text
from ats_assets.runs.runner import Outcome
from ats_assets.serving.queries.stored_signals import signals_rows
from ats_assets.storage.atomic_file import replace_file

FIGURES = [
    "total_return",
    "annual_return",
    "gross_return",
    "gross_annual_return",
    "volatility",
    "sharpe",
    "sharpe_standard_error",
    "sortino",
    "max_drawdown",
    "max_drawdown_sessions",
    "turnover",
    "turnover_a_year",
    "turnover_limit_share",
    "wanted_positions",
    "held_positions",
    "holding_sessions",
    "hit_rate_sessions",
    "costs",
    "costs_a_year",
    "n_trades",
    "benchmark_return",
    "benchmark_annual_return",
    "benchmark_sharpe",
    "benchmark_max_drawdown",
    "alpha",
    "beta",
    "information_ratio",
    "initial_equity",
    "final_equity",
    "first_session",
    "last_session",
    "sessions",
]

ROWS = ("rows_in", "rows_accepted", "rows_rejected", "rejected_reasons", "symbols")
SKILL = ("ic", "rank_ic", "rank_ic_t_statistic", "skill_sessions", "horizon_sessions", "verdict", "skill")

Summary = dict[str, Any]
EVENT_REPORT = ("event_report", "report.html")


def summarise(deployment: Deployment, outcome: Outcome, stages: Mapping[str, str]) -> Summary:
    """The figures of a run; what is not known, and what the run has not made, is None. Rows and symbols are those stored for the run's sessions."""
    run_events, warehouse = outcome.run_events, deployment.warehouse
    made = run_events.partitions.keys()
    with_signals = not made.isdisjoint({"targets", *deployment.signals.values()})
    return {
        "ok": not outcome.messages,
        "errors": outcome.messages,
        "first_session": outcome.sessions[0],
        "last_session": outcome.sessions[-1],
        "sessions": len(outcome.sessions),
        "assets": dict(sorted(run_events.partitions.items())),
        **(_rows(deployment, outcome.sessions) if "bars" in made else dict.fromkeys(ROWS)),
        **(_skill(deployment) if "skill" in made else dict.fromkeys(SKILL)),
        "backtest": _backtest(deployment) if "backtest" in made else None,
        "options": of_options(deployment) if "option_backtest" in made else None,
        "fallbacks": {name: sorted(lines) for name, lines in sorted(run_events.fallbacks.items())},
        "signals": signals_rows(deployment, _newest(deployment, outcome.sessions)) if with_signals else {},
        "checks_failed": _failed_checks(outcome),
        "events": json.loads(warehouse.read_text("event_backtest", "metrics.json")) if "event_backtest" in made else None,
        "report": _existing(warehouse.root.joinpath(*(REPORT if "backtest_report" in made else EVENT_REPORT)))
        if not made.isdisjoint({"backtest_report", "event_report"})
        else None,
        "next": next_commands(deployment, made),
        "warehouse": warehouse.root_folder.place,
        "seconds": _seconds(outcome, stages),
        "seconds_by_step": {
            step: round(seconds, 3) for step, seconds in sorted(run_events.step_seconds.items(), key=lambda item: -item[1])
        },
        "dagster_events": run_events.events,
        "peak_memory_bytes": peak_memory_bytes(),
    }


def next_commands(deployment: Deployment, made: Collection[str]) -> list[str]:
    """What to look at after a run that has made these assets, or what to run after it."""
    if "backtest_report" in made:
        return ["ats signals", "ats report --open"]
    if "event_report" in made:
        return ["ats predict"]
    if "option_backtest" in made:
        return ['ats sql "SELECT session, strategy, action, rule, reason FROM option_backtest_decisions"']
    if "targets" in made or not {*deployment.signals.values()}.isdisjoint(made):
        return ["ats signals"]
    of_families = [f"ats features evaluate {name}" for name in deployment.of(judged_families) if name in made]
    return of_families or ["ats run"]


def peak_memory_bytes() -> int:
    """The most memory that this process has held (resident set)."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


def _rows(deployment: Deployment, sessions: Sequence[date]) -> Summary:
    raw = _stored(deployment, "raw_bars", sessions, ["symbol"])
    accepted = _stored(deployment, "bars", sessions, ["symbol"])
    rejected = _stored(deployment, "rejected_bars", sessions, ["reasons"])
    reasons = Counter(rejected["reasons"].explode(empty_as_null=False, keep_nulls=False).to_list()) if len(rejected) else Counter()
    return {
        "rows_in": raw.height,
        "rows_accepted": accepted.height,
        "rows_rejected": rejected.height,
        "rejected_reasons": dict(sorted(reasons.items(), key=lambda item: (-item[1], item[0]))),
        "symbols": accepted["symbol"].n_unique() if len(accepted) else 0,
    }


def _stored(deployment: Deployment, asset: str, sessions: Sequence[date], columns: list[str]) -> pl.DataFrame:
    wanted = set(sessions)
    stored = [day for day in deployment.warehouse.stored_sessions(asset) if day in wanted]
    return deployment.warehouse.read(asset, stored, columns) if stored else pl.DataFrame(schema=dict.fromkeys(columns, pl.String))


def _skill(deployment: Deployment) -> Summary:
    stored = deployment.warehouse.stored_sessions("skill")
    rows = deployment.warehouse.read("skill", stored) if stored else SKILL_SCHEMA.to_frame()
    horizon = deployment.settings.training.horizon_sessions
    found = skill_summary(rows, horizon)
    own = found.horizon(horizon)
    return {
        "ic": own.mean_ic if own else None,
        "rank_ic": own.mean_rank_ic if own else None,
        "rank_ic_t_statistic": own.t_statistic if own else None,
        "skill_sessions": own.sessions if own else 0,
        "horizon_sessions": horizon,
        "verdict": found.verdict,
        "skill": found.text,
    }


def _backtest(deployment: Deployment) -> Summary | None:
    if not (deployment.warehouse.root / "backtest" / "metrics.json").is_file():
        return None
    metrics = json.loads(deployment.warehouse.read_text("backtest", "metrics.json"))
    limit = limit_text(metrics, deployment.settings.portfolio.max_turnover)
    return {name: metrics.get(name) for name in FIGURES} | {"turnover_limit": limit}


def of_options(deployment: Deployment) -> Summary:
    """The return of each strategy of options, and the underlyings that hardly ever had a chain."""
    figures = json.loads(deployment.warehouse.read_text("option_backtest", "metrics.json"))
    return {
        "returns": {name: figures[name]["total_return"] for name in deployment.settings.option_strategies},
        "without_chains": underlyings_without_chains(deployment.warehouse.read_part("option_backtest", "decisions")),
    }


def underlyings_without_chains(decisions: pl.DataFrame) -> dict[str, list[int]]:
    """By underlying: in how many sessions it had no chain, and of how many; those alone that had none in more than half of them."""
    has_none = pl.col("session").filter(pl.col("rule") == "no_chain")
    seen = decisions.group_by("underlying").agg(without=has_none.n_unique(), sessions=pl.col("session").n_unique())
    return {name: [without, sessions] for name, without, sessions in seen.sort("underlying").iter_rows() if 2 * without > sessions}


def _newest(deployment: Deployment, sessions: Sequence[date]) -> date | None:
    wanted = set(sessions)
    return max((day for day in deployment.warehouse.stored_sessions("targets") if day in wanted), default=None)


def _failed_checks(outcome: Outcome) -> dict[str, Summary]:
    """The checks that failed, by asset and check: how severe, in how many sessions, what was said last."""
    found: dict[str, Summary] = {}
    for check in outcome.run_events.checks.values():
        name = f"{asset_name(check.asset_key)}.{check.check_name}"
        sessions = found.get(name, {}).get("sessions", 0) + (check.partition is not None)
        found[name] = {"severity": check.severity.value, "sessions": sessions, "text": check.description or ""}
    return found


def _seconds(outcome: Outcome, stages: Mapping[str, str]) -> dict[str, float]:
    """Seconds by stage, in Dagster's events, in the rest of Dagster (planning, between steps), and in all."""
    found: dict[str, float] = dict.fromkeys(stages.values(), 0.0)
    for step, seconds in outcome.run_events.step_seconds.items():
        found[stages.get(step, step)] = found.get(stages.get(step, step), 0.0) + seconds
    found = {"start": outcome.start_seconds} | {stage: seconds for stage, seconds in found.items() if seconds}
    total = outcome.total_seconds
    events = outcome.clock.seconds
    between = max(0.0, total - events - sum(found.values()))
    return {name: round(value, 3) for name, value in {**found, "dagster_events": events, "between_steps": between, "total": total}.items()}


def _existing(path: Path) -> str | None:
    return str(path) if path.is_file() else None


def write_json(summary: Summary, path: Path) -> None:
    """Write the summary to a file, or to standard output if its name is '-'."""
    text = json.dumps(without_nan(summary), indent=2, allow_nan=False, ensure_ascii=False) + "\n"
    if str(path) == "-":
        sys.stdout.write(text)
        return
    try:
        replace_file(path.absolute(), lambda file: file.write(text.encode()), fsync=False)
    except SettingsError as error:
        raise SettingsError(f"--summary-json: {error}") from error
