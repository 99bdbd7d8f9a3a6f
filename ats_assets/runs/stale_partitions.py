"""Stale partitions, by the current graph, and how to rebuild them."""

from typing import Any

from ats_assets.automation.lineage_rules import rules_of
from ats_assets.definitions import build
from ats_assets.deployment import Deployment
from ats_assets.errors import how_many
from ats_assets.lineage import Stale
from ats_assets.lineage.delivered import delivered_versions
from ats_assets.lineage.healing import Healing
from ats_assets.lineage.known_rules import write_rules
from ats_assets.runs.planned_runs import PlannedRun
from ats_assets.runs.progress import LongJob
from ats_assets.runs.run_progress import RunProgress
from ats_assets.runs.runner import Outcome, Runner
from ats_assets.runs.startup import quiet


def list_stale(deployment: Deployment, *, full: bool, deep: bool, source: bool) -> list[Stale]:
    """The stale partitions, by the current graph; its rules are stored for the next call."""
    with quiet():
        rules = rules_of(deployment, build(deployment).resolve_asset_graph())
        write_rules(deployment, rules)
        healing = Healing(deployment, rules, asked_source(deployment) if source else None, full=full)
        if deep:
            with LongJob("ats stale --deep", 0, "files") as job:
                healing.index.refresh(deep=True, reach=job.reach)
        return healing.stale()


def asked_source(deployment: Deployment) -> dict[str, dict[str, str]]:
    """What the source would deliver now, by asset and session, as data versions."""
    with LongJob("asking the source"):
        return delivered_versions(deployment)


def heal_all(healing: Healing, runner: Runner, chunk: int) -> tuple[list[dict[str, Any]], list[str]]:
    """Rebuild stale partitions, asset after asset. Returns what was rebuilt, with `changed` (whether its content differs now), and error messages."""
    made: list[dict[str, Any]] = []
    with RunProgress(len(healing.stale()), "partitions") as progress:
        for assets, sessions, why in healing.steps(chunk):
            before = [healing.version(one.asset, one.session) for one in why]
            part = PlannedRun(job="history" if sessions else "backtest_reports", assets=assets, sessions=tuple(sessions))
            outcome = Outcome.of(sessions, assets)
            runner.run([part], outcome, progress)
            if outcome.messages or outcome.interrupted:
                return made, outcome.messages or ["interrupted: what was rebuilt is kept; run the same command to continue"]
            for one, was in zip(why, before, strict=True):
                made.append(one.plain() | {"changed": healing.version(one.asset, one.session) != was})
    left = healing.stale()
    return made, [
        f"{how_many(len(left), 'partition is', 'partitions are')} still stale, first {left[0].asset} {left[0].session}: {left[0].reason}"
    ] if left else []
