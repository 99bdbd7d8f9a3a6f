"""`ats signals`: what is to be traded at the next open."""

import json
import sys
from typing import Annotated, Literal

import typer


def signals(
    session: Annotated[
        str | None, typer.Option(metavar="DATE", help="The session whose close they were made after. Default: the newest stored.")
    ] = None,
    form: Annotated[Literal["table", "json", "csv"], typer.Option("--format", help="Output format.")] = "table",
) -> None:
    """Show the signals for the next open."""
    from ats_assets.deployment import Deployment  # noqa: PLC0415 - --help needs none of these
    from ats_assets.runs.signals_table import show_signals, signals_heading  # noqa: PLC0415
    from ats_assets.runs.writing import parse_day, say  # noqa: PLC0415
    from ats_assets.serving.queries.stored_signals import newest_signals, signals_and_targets, signals_rows  # noqa: PLC0415
    from ats_assets.settings import load_settings  # noqa: PLC0415

    asked = parse_day(session, "--session")
    deployment = Deployment(load_settings())
    newest = newest_signals(deployment, asked)
    rows = signals_rows(deployment, newest)
    if form == "json":
        sys.stdout.write(json.dumps(rows, indent=2, allow_nan=False, ensure_ascii=False) + "\n")
    elif form == "csv":
        say(signals_heading(rows))
        sys.stdout.write(signals_and_targets(deployment, newest).write_csv())
    else:
        show_signals(deployment, rows, None)
