"""`ats status`: every component of the deployment, what is late, and what to do about it."""

import json
import sys
from datetime import UTC, datetime
from typing import Annotated

import typer


def status(as_json: Annotated[bool, typer.Option("--json", help="Write JSON instead of a table.")] = False) -> None:
    """Show every component: data, signals, models, daemon, schedules and sensors, trading, service, exports, disks. Status 1 if one needs a person."""
    from ats_assets.deployment import Deployment  # noqa: PLC0415 - --help needs none of these
    from ats_assets.monitoring.components import components, status_document  # noqa: PLC0415
    from ats_assets.runs.component_table import show_components  # noqa: PLC0415
    from ats_assets.settings import load_settings  # noqa: PLC0415

    now = datetime.now(UTC)
    found = components(Deployment(load_settings()), now)
    if as_json:
        sys.stdout.write(json.dumps(status_document(found, now), indent=2, allow_nan=False, ensure_ascii=False) + "\n")
    else:
        show_components(found, now)
    if any(one.needs_person for one in found):
        raise typer.Exit(1)
