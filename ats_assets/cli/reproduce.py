"""`ats reproduce`: partitions made again in an empty folder from the raw vintages, and compared byte for byte."""

import json
import sys
import tempfile
from collections.abc import Sequence
from datetime import date
from pathlib import Path

import dagster as dg
import typer

from ats_assets.cli.progress import RunProgress
from ats_assets.cli.run import Outcome, Part, Runner
from ats_assets.cli.startup import prepare_environment, quiet
from ats_assets.cli.writing import console, say
from ats_assets.definitions import build
from ats_assets.deployment import Deployment
from ats_assets.errors import AtsError
from ats_assets.healing import rules_of
from ats_assets.lineage import LineageIndex, Rules, contiguous
from ats_assets.lineage.rebuilding import RAW, Comparison, Wanted, closure, compare, copy_vintages, empty_world
from ats_assets.settings import load_settings

CHUNK = 126
"""Sessions in one Dagster run."""


def reproduce(*, asset: str, sessions: Sequence[date], folder: Path | None, as_json: bool) -> None:
    """Make the partitions and all that they were made from again, and say whether the bytes are the same; status 1 if not."""
    prepare_environment()
    with quiet(), tempfile.TemporaryDirectory() as temporary:
        deployment = Deployment(load_settings())
        found = reproduced(deployment, asset, sessions, folder or Path(temporary) / "world")
    if as_json:
        sys.stdout.write(json.dumps({"same": len(found.same), "different": found.different}, indent=2) + "\n")
    else:
        console().print(f"{len(found.same)} files have the same bytes, {len(found.different)} have not.")
        for path in found.different:
            console().print(f"differs: {path}")
    if found.different:
        raise typer.Exit(1)


def reproduced(deployment: Deployment, asset: str, sessions: Sequence[date], folder: Path) -> Comparison:
    """Make partitions and all that they were made from again under `folder`, and compare.

    Raises
    ------
    AtsError
        If something of it is missing, or can't be made.
    """
    definitions = build(deployment)
    rules = rules_of(deployment, definitions.resolve_asset_graph())
    if asset not in rules or not rules[asset].partitioned:
        raise AtsError(
            f"{asset} is not an asset with sessions: choose one of {', '.join(rule.asset for rule in rules if rule.partitioned)}"
        )
    index = LineageIndex(deployment)
    index.refresh()
    wanted = closure(deployment, index.entries(), asset, sessions)
    world = empty_world(deployment, folder)
    copy_vintages(deployment, world, until=max(sessions))
    parts = _parts(rules, wanted, deployment)
    say(f"{sum(map(len, wanted.values()))} partitions are made again from raw bars, in {len(parts)} runs")
    with dg.DagsterInstance.ephemeral() as instance, RunProgress(sum(len(part.sessions) for part in parts)) as progress:
        outcome = Outcome.of([], [])
        Runner(world, build(world), instance, checks=False).run(parts, outcome, progress)
    if outcome.messages:
        raise AtsError("; ".join(outcome.messages))
    return compare(deployment, world, wanted)


def _parts(rules: Rules, wanted: Wanted, deployment: Deployment) -> list[Part]:
    """The runs: each asset after all that it reads."""
    parts: list[Part] = []
    for assets in rules.steps():
        days = {date.fromisoformat(day) for asset in assets if asset != RAW for day in wanted.get(asset, ())}
        runs = contiguous(days, deployment.calendar, CHUNK)
        parts += [Part(job="history", assets=assets, sessions=tuple(run)) for run in runs]
    return parts
