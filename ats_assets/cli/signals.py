"""`ats signals`: what is to be traded at the next open."""

import json
import sys

from ats_assets.deployment import Deployment
from ats_assets.errors import MissingPartitionError
from ats_assets.runs.signals_table import show_signals, signals_and_targets, signals_heading, signals_rows
from ats_assets.runs.writing import parse_day, say
from ats_assets.settings import load_settings


def signals(*, session: str | None, form: str) -> None:
    """Write the signals of one session to standard output.

    Raises
    ------
    MissingPartitionError
        If there are none.
    """
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
