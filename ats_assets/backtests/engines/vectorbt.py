"""vectorbt's `Portfolio.from_orders`, in a child process with an environment of its own: for comparing, and for those who think in its arrays.

Its licence is Apache 2.0 with the Commons Clause, which forbids to sell it or a service whose value is mostly it: it is not open source and no part of this package. It is installed
when this engine is chosen, from the package index that pip is set to, into a folder of the data. `docs/engines.md` says how its account differs from ours.
"""

from typing import ClassVar

from ats_assets.backtests.child_engine.engine_environment import EngineEnvironment
from ats_assets.backtests.child_engine.engine_in_child import ChildEngineSettings, EngineInChild
from ats_assets.backtests.child_engine.engine_rules import CENTS, IN_ORDER, LIMITS, MARGIN, ORDER_LIMITS, PROCEEDS, WHOLE_SHARES
from ats_assets.plugins import Plugin


class VectorbtEngineSettings(ChildEngineSettings):
    """vectorbt in its own process."""


class VectorbtEngine(EngineInChild):
    """Orders of target percent at the next open; buys are cut to the cash, one after the other."""

    environment: ClassVar[EngineEnvironment] = EngineEnvironment(
        name="vectorbt",
        megabytes=1_100,
        licence="vectorbt is licensed under Apache 2.0 with the Commons Clause: neither it nor a service that is mostly it may be sold.",
    )
    rules: ClassVar[tuple[str, ...]] = (CENTS, WHOLE_SHARES, IN_ORDER, PROCEEDS, LIMITS, ORDER_LIMITS, MARGIN)


PLUGIN = Plugin(settings=VectorbtEngineSettings, make=VectorbtEngine)
