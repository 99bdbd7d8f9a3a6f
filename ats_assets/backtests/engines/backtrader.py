"""Backtrader, event by event, in a child process with an environment of its own: for comparing, and for those who have strategies there.

It is free software under the GNU General Public License, version 3 or later, and is no part of this package: it is installed when this engine is chosen, from the package index that
pip is set to, into a folder of the data. `docs/engines.md` says how its account differs from ours.
"""

from typing import ClassVar

from ats_assets.backtests.child_engine.engine_environment import EngineEnvironment
from ats_assets.backtests.child_engine.engine_in_child import ChildEngineSettings, EngineInChild
from ats_assets.backtests.child_engine.engine_rules import COSTS, LIMITS, MARGIN, ORDER_LIMITS, PROCEEDS, REFUSED
from ats_assets.plugins import Plugin


class BacktraderEngineSettings(ChildEngineSettings):
    """Backtrader in its own process."""


class BacktraderEngine(EngineInChild):
    """Market orders at the next open; one that opens a position is refused where cash does not pay for all of it."""

    environment: ClassVar[EngineEnvironment] = EngineEnvironment(
        name="backtrader",
        megabytes=270,
        licence="Backtrader is licensed under the GNU General Public License, version 3 or later: what is distributed together with it must be, too.",
    )
    min_commission: ClassVar[bool] = True
    rules: ClassVar[tuple[str, ...]] = (REFUSED, PROCEEDS, COSTS, LIMITS, ORDER_LIMITS, MARGIN)


PLUGIN = Plugin(settings=BacktraderEngineSettings, make=BacktraderEngine)
