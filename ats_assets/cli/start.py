"""`ats start`: schedules and sensors, in order."""

from typing import Annotated

from ats_assets.cli.stop import NAMES, turned


def start(names: Annotated[list[str] | None, NAMES] = None) -> None:
    """Start schedules and sensors in order: those that ran before ats stop, else all that the settings have use for. They need a running daemon."""
    turned(names or [], on=True)
