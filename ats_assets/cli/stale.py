"""`ats stale`: the partitions that were made from what is not in force any more, and, with --heal, those made again."""

import json
import sys
from collections.abc import Sequence
from typing import Any

import typer
from rich.table import Table

from ats_assets.cli.progress import RunProgress
from ats_assets.cli.run import Outcome, Part, Runner
from ats_assets.cli.startup import open_instance, quiet
from ats_assets.cli.writing import console, say, write_table
from ats_assets.definitions import build
from ats_assets.deployment import Deployment
from ats_assets.healing import Healing, delivered_versions, rules_of
from ats_assets.lineage import Stale, ranges
from ats_assets.settings import load_settings

REASONS = 5
"""Different reasons of an asset that the table shows."""


def stale(*, as_json: bool, heal: bool, deep: bool, source: bool, chunk: int) -> None:
    """List what is stale on standard output; status 1 if healing fails."""
    with quiet():
        deployment = Deployment(load_settings())
        definitions = build(deployment)
        delivered = delivered_versions(deployment) if source else None
        healing = Healing(deployment, rules_of(deployment, definitions.resolve_asset_graph()), delivered)
        found = healing.stale(deep=deep)
        if not heal:
            _write([_plain(one) for one in found]) if as_json else _show(deployment, found)
            return
        with open_instance() as instance:
            healed, messages = heal_all(healing, Runner(deployment, definitions, instance), chunk)
    _write(healed) if as_json else _show_healed(healed)
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
                made.append(_plain(one) | {"changed": healing.version(one.asset, one.session) != was})
    left = healing.stale()
    return made, [f"{len(left)} partitions are stale still, first {left[0].asset} {left[0].session}: {left[0].reason}"] if left else []


def _plain(one: Stale) -> dict[str, Any]:
    return {"asset": one.asset, "session": one.session or None, "reason": one.reason}


def _write(rows: Sequence[dict[str, Any]]) -> None:
    sys.stdout.write(json.dumps(list(rows), indent=2, ensure_ascii=False) + "\n")


def _show(deployment: Deployment, found: Sequence[Stale]) -> None:
    out = console()
    if not found:
        out.print("Nothing is stale: every partition was made from what is in force now.")
        return
    table = Table("asset", "sessions", "reason", box=None, padding=(0, 2, 0, 0))
    for asset in dict.fromkeys(one.asset for one in found):
        of_asset = [one for one in found if one.asset == asset]
        reasons = list(dict.fromkeys(one.reason for one in of_asset))
        for reason in reasons[:REASONS]:
            sessions = [one.session for one in of_asset if one.reason == reason and one.session]
            table.add_row(asset, _spans(deployment, sessions), reason)
        if len(reasons) > REASONS:
            rest = [one.session for one in of_asset if one.reason in reasons[REASONS:]]
            table.add_row(asset, f"{len(rest)} more", f"{len(reasons) - REASONS} more reasons: --json lists all")
    write_table(out, table)
    out.print(f"{len(found)} partitions are stale; ats stale --heal makes them again, and what turns out to depend on them.")


def _spans(deployment: Deployment, sessions: Sequence[str]) -> str:
    spans = ranges(sessions, deployment.calendar) if sessions else []
    shown = [first if n == 1 else f"{first} to {last} ({n})" for first, last, n in spans[:3]]
    return ", ".join(shown) + (f" and {len(spans) - 3} more runs" if len(spans) > 3 else "")


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
