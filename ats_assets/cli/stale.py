"""`ats stale`: the partitions whose upstream data, code or settings have changed.

Without --heal and --source it does not make the graph where its rules are known (`known_rules`), since that takes seconds.
"""

import json
import sys
from collections.abc import Sequence
from typing import Any

import typer
from rich.table import Table
from rich.text import Text

from ats_assets.deployment import Deployment
from ats_assets.errors import how_many
from ats_assets.lineage import LineageIndex, Stale, judge, ranges
from ats_assets.lineage.known_rules import read_rules
from ats_assets.runs.progress import LongJob
from ats_assets.runs.writing import console, say, write_rows, write_table
from ats_assets.settings import load_settings

REASONS = 5
"""Different reasons of an asset that the table shows."""


def stale(*, as_json: bool, heal: bool, full: bool, deep: bool, source: bool, chunk: int) -> None:
    """List stale partitions on standard output; with `heal` rebuild them, status 1 if that fails."""
    deployment = Deployment(load_settings())
    _ = deployment.calendar
    if full or deep:
        from ats_assets.execution.stored_names import forget_stored_names  # noqa: PLC0415 - of all that trades

        forget_stored_names(deployment)
    for change in deployment.calendar_store.adopted:
        say(f"calendar changed: {change}")
    rules = None if heal or source else read_rules(deployment)
    if rules is None:
        if heal:
            _heal(deployment, deep=deep, source=source, chunk=chunk, as_json=as_json)
            return
        from ats_assets.runs.stale_partitions import list_stale  # noqa: PLC0415 - the graph takes seconds to import

        found = list_stale(deployment, full=full, deep=deep, source=source)
    else:
        index = LineageIndex(deployment)
        with LongJob("ats stale", 0, "files") as job:
            index.refresh(deep=deep, full=full, reach=job.reach)
        found = judge(deployment, rules, index)
    _write_json([one.plain() for one in found]) if as_json else _show(deployment, found)


def _heal(deployment: Deployment, *, deep: bool, source: bool, chunk: int, as_json: bool) -> None:
    """Rebuild stale partitions, and list on standard output what was rebuilt; status 1 if it fails."""
    from ats_assets.automation.lineage_rules import rules_of  # noqa: PLC0415 - the graph takes seconds to import
    from ats_assets.definitions import build  # noqa: PLC0415
    from ats_assets.lineage.healing import Healing  # noqa: PLC0415
    from ats_assets.runs.runner import Runner  # noqa: PLC0415
    from ats_assets.runs.stale_partitions import asked_source, heal_all  # noqa: PLC0415
    from ats_assets.runs.startup import open_instance, quiet  # noqa: PLC0415

    with quiet():
        definitions = build(deployment)
        delivered = asked_source(deployment) if source else None
        healing = Healing(deployment, rules_of(deployment, definitions.resolve_asset_graph()), delivered)
        if deep:
            with LongJob("ats stale --deep", 0, "files") as job:
                healing.index.refresh(deep=True, reach=job.reach)
        with open_instance() as instance:
            healed, messages = heal_all(healing, Runner(deployment, definitions, instance), chunk)
    _write_json(healed) if as_json else _show_healed(healed)
    for message in messages:
        say(f"ats stale: {message}")
    if messages:
        raise typer.Exit(1)


def _write_json(rows: Sequence[dict[str, Any]]) -> None:
    """Rows on standard output."""
    sys.stdout.write(json.dumps(list(rows), indent=2, ensure_ascii=False) + "\n")


def _show(deployment: Deployment, found: Sequence[Stale]) -> None:
    out = console()
    if not found:
        if not deployment.warehouse.stored_sessions("raw_bars"):
            out.print(f"Nothing is stored in {deployment.warehouse.root_folder.place} yet, so nothing is stale: ats run makes a history.")
            return
        out.print("Nothing is stale: every partition was made from the current data, code and settings.")
        return
    rows = [tuple(Text(heading, style="bold") for heading in ("asset", "sessions", "reason"))]
    for asset in dict.fromkeys(one.asset for one in found):
        of_asset = [one for one in found if one.asset == asset]
        reasons = list(dict.fromkeys(one.reason for one in of_asset))
        for reason in reasons[:REASONS]:
            sessions = [one.session for one in of_asset if one.reason == reason and one.session]
            rows.append((Text(asset), Text(_spans(deployment, sessions)), Text(reason)))
        if len(reasons) > REASONS:
            rest = [one.session for one in of_asset if one.reason in reasons[REASONS:]]
            rows.append(
                (Text(asset), Text(f"{len(rest)} more"), Text(f"{how_many(len(reasons) - REASONS, 'more reason')}: --json lists all"))
            )
    write_rows(out, rows)
    out.print(
        f"{how_many(len(found), 'partition is', 'partitions are')} stale. ats stale --heal rebuilds them, with whatever changes downstream."
    )


def _spans(deployment: Deployment, sessions: Sequence[str]) -> str:
    spans = ranges(sessions, deployment.calendar) if sessions else []
    shown = [first if n == 1 else f"{first} to {last} ({n})" for first, last, n in spans[:3]]
    return ", ".join(shown) + (f" and {how_many(len(spans) - 3, 'more run')}" if len(spans) > 3 else "")


def _show_healed(made: Sequence[dict[str, Any]]) -> None:
    out = console()
    if not made:
        out.print("Nothing was stale.")
        return
    table = Table("asset", "rebuilt", "content changed", box=None, padding=(0, 2, 0, 0))
    for asset in dict.fromkeys(row["asset"] for row in made):
        rows = [row for row in made if row["asset"] == asset]
        table.add_row(asset, str(len(rows)), str(sum(row["changed"] for row in rows)))
    write_table(out, table)
