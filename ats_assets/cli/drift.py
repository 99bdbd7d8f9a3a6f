"""`ats drift`: what continuous learning found, what was done about it, and what came of it."""

import json
import sys
from dataclasses import asdict
from datetime import date
from typing import Annotated

import typer


def drift(
    *,
    first: Annotated[str | None, typer.Option("--from", metavar="DATE", help="First session. Default: the first stored.")] = None,
    last: Annotated[str | None, typer.Option("--to", metavar="DATE", help="Last session. Default: the newest stored.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Write JSON: a list of objects.")] = False,
) -> None:
    """Show where drift was found, the refits that it asked for, and the skill of each beside that of the model it replaced."""
    from rich.table import Table  # noqa: PLC0415 - --help needs none of these

    from ats_assets.deployment import Deployment  # noqa: PLC0415
    from ats_assets.errors import MissingPartitionError  # noqa: PLC0415
    from ats_assets.learning.loop_history import loop_history  # noqa: PLC0415
    from ats_assets.runs.progress import LongJob  # noqa: PLC0415
    from ats_assets.runs.writing import console, parse_day, write_table  # noqa: PLC0415
    from ats_assets.settings import load_settings  # noqa: PLC0415

    deployment = Deployment(load_settings())
    if not deployment.valid_sessions("drift"):
        raise MissingPartitionError(
            f"there is no drift in {deployment.warehouse.root}: add a table [drift] to the settings, and make it with ats run"
        )
    begin, end = parse_day(first, "--from") or date.min, parse_day(last, "--to") or date.max
    with LongJob("ats drift"):
        steps = loop_history(deployment, begin, end)
    if as_json:
        sys.stdout.write(json.dumps([asdict(step) for step in steps], indent=1, default=str, ensure_ascii=False) + "\n")
        return
    out = console()
    if not steps:
        out.print("No drift was found.")
        return
    table = Table("session", "model", "what", "until", "rank IC", "due", "moved", "why", box=None, padding=(0, 2, 0, 0))
    for step in steps:
        figures = [f"{value:+.4f}" if value is not None else "" for value in (step.rank_ic, step.rank_ic_due)]
        moved = f"{step.moved:.0%}" if step.moved is not None else ""
        table.add_row(str(step.session), step.model, step.what, str(step.until or ""), *figures, moved, step.why)
    write_table(out, table)
