"""`ats stop`: schedules and sensors, what trades first."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Annotated

import typer

NAMES = typer.Argument(metavar="[NAME]...", help="Only these. Default: all that are meant.", show_default=False)


def stop(names: Annotated[list[str] | None, NAMES] = None) -> None:
    """Stop schedules and sensors in order, what trades first, and remember which ran. Runs that are under way go on."""
    turned(names or [], on=False)


def turned(names: Sequence[str], *, on: bool) -> None:
    """Switch them, and say what was done."""
    from ats_assets.deployment import Deployment  # noqa: PLC0415 - Dagster takes a second; --help needs none of these
    from ats_assets.monitoring.components import Observed  # noqa: PLC0415
    from ats_assets.orchestration.dagster_home import how_to_open_ui  # noqa: PLC0415
    from ats_assets.runs.startup import open_instance, quiet  # noqa: PLC0415
    from ats_assets.runs.writing import say  # noqa: PLC0415
    from ats_assets.settings import load_settings  # noqa: PLC0415

    deployment = Deployment(load_settings())
    with quiet(), open_instance() as instance:
        from ats_assets.runs.triggers import left_off, start_triggers, stop_triggers  # noqa: PLC0415

        changes = start_triggers(deployment, instance, names) if on else stop_triggers(deployment, instance, names)
        off = left_off(deployment, instance) if on and not names else []
    for change in changes:
        typer.echo(str(change))
    if off:
        say(f"they did not run before ats stop, and are off: {', '.join(off)}; ats start {' '.join(off)}")
    observed = Observed(deployment, datetime.now(UTC))
    if on and not observed.daemon_lives:
        say(f"the daemon is not running, and nothing is done without it: {how_to_open_ui()}, or dagster-daemon run as a service")
    under_way = sum(one.count for one in observed.active)
    if not on and under_way:
        say(f"{under_way} {'run is' if under_way == 1 else 'runs are'} under way and will end by itself: ats status")
