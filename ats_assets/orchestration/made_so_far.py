"""How many sessions of a step are written while it goes on, where it is made in blocks or session by session."""

from collections.abc import Callable
from dataclasses import dataclass

from ats_assets.deployment import Deployment


def _nobody(asset: str, written: int, asked: int) -> None:
    """Nobody listens."""


@dataclass
class MadeSoFar:
    """Whom to tell.

    Attributes
    ----------
    on_written
        Called with the asset, its sessions that are written, and those that the step was asked for.
    """

    on_written: Callable[[str, int, int], None] = _nobody


def made_so_far(_: Deployment) -> MadeSoFar:
    """That of a deployment: `deployment.of(made_so_far)`."""
    return MadeSoFar()
