"""`ats stale --heal`: what is stale made again, and the way to ask that needs the whole graph."""

from collections.abc import Sequence
from typing import Any

import typer
from rich.table import Table

from ats_assets.automation.healing import Healing, delivered_versions, rules_of
from ats_assets.runs.progress import RunProgress
from ats_assets.cli.run import Outcome, Part, Runner
from ats_assets.cli.stale import plain, write_json
from ats_assets.runs.startup import open_instance, quiet
from ats_assets.runs.writing import console, say, write_table
from ats_assets.definitions import build
from ats_assets.deployment import Deployment
from ats_assets.lineage import Stale
from ats_assets.lineage.known_rules import write_rules


def list_stale(deployment: Deployment, *, full: bool, deep: bool, source: bool) -> list[Stale]:
    """What is stale, by the graph as it is made now; its rules are kept for the next question."""
    with quiet():
        rules = rules_of(deployment, build(deployment).resolve_asset_graph())
        write_rules(deployment, rules)
        return Healing(deployment, rules, delivered_versions(deployment) if source else None, full=full).stale(deep=deep)


def heal(deployment: Deployment, *, deep: bool, source: bool, chunk: int, as_json: bool) -> None:
    """Make again what is stale, and tell on standard output what was made; status 1 if it fails."""
    with quiet():
        definitions = build(deployment)
        delivered = delivered_versions(deployment) if source else None
        healing = Healing(deployment, rules_of(deployment, definitions.resolve_asset_graph()), delivered)
        if deep:
            healing.index.refresh(deep=True)
        with open_instance() as instance:
            healed, messages = heal_all(healing, Runner(deployment, definitions, instance), chunk)
    write_json(healed) if as_json else _show_healed(healed)
    for message in messages:
        say(f"ats stale: {message}")
    if messages:
        raise typer.Exit(1)


def heal_all(healing: Healing, runner: Runner, chunk: int) -> tuple[list[dict[str, Any]], list[str]]:
    """Make again what is stale, asset after asset; what was made, with `changed` (whether its content is another one now), and what went wrong."""
    made: list[dict[str, Any]] = []
    with RunProgress(0) as progress:
        for assets, sessions, why in healing.steps(chunk):
            before = [healing.version(one.asset, one.session) for one in why]
            part = Part(job="history" if sessions else "backtest_reports", assets=assets, sessions=tuple(sessions))
            outcome = Outcome.of(sessions, assets)
            runner.run([part], outcome, progress)
            if outcome.messages or outcome.interrupted:
                return made, outcome.messages or ["interrupted: what was made stays; the same command goes on"]
            for one, was in zip(why, before, strict=True):
                made.append(plain(one) | {"changed": healing.version(one.asset, one.session) != was})
    left = healing.stale()
    return made, [f"{len(left)} partitions are stale still, first {left[0].asset} {left[0].session}: {left[0].reason}"] if left else []


def _show_healed(made: Sequence[dict[str, Any]]) -> None:
    out = console()
    if not made:
        out.print("Nothing was stale.")
        return
    table = Table("asset", "made again", "content changed", box=None, padding=(0, 2, 0, 0))
    for asset in dict.fromkeys(row["asset"] for row in made):
        rows = [row for row in made if row["asset"] == asset]
        table.add_row(asset, str(len(rows)), str(sum(row["changed"] for row in rows)))
    write_table(out, table)
