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
    from ats_assets.errors import MissingPartitionError  # noqa: PLC0415
    from ats_assets.runs.signals_table import show_signals, signals_and_targets, signals_heading, signals_rows  # noqa: PLC0415
    from ats_assets.runs.writing import parse_day, say  # noqa: PLC0415
    from ats_assets.settings import load_settings  # noqa: PLC0415

    asked = parse_day(session, "--session")
    deployment = Deployment(load_settings())
    stored = sorted({day for asset in deployment.signals.values() for day in deployment.valid_sessions(asset)})
    if asked is None and not stored:
        raise MissingPartitionError(f"there are no signals in {deployment.warehouse.root}: make them with ats run")
    if asked is not None:
        deployment.calendar.position(asked)
    rows = signals_rows(deployment, asked or stored[-1])
    if form == "json":
        sys.stdout.write(json.dumps(rows, indent=2, allow_nan=False, ensure_ascii=False) + "\n")
    elif form == "csv":
        say(signals_heading(rows))
        sys.stdout.write(signals_and_targets(deployment, asked or stored[-1]).write_csv())
    else:
        show_signals(deployment, rows, None)
