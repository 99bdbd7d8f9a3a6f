"""The workers that a command has things done by, from its start to its end."""

import contextlib
import json
from collections.abc import Iterator
from importlib.metadata import version

from ats_assets.deployment import Deployment
from ats_assets.errors import WorkerError
from ats_assets.orchestration.spreading import spreading
from ats_assets.runs.own_cache import claim_cache
from ats_assets.runs.writing import say
from ats_assets.workers.compute_engine import FACTS, WORKER_ENGINES, ComputeEngine


@contextlib.contextmanager
def working_on(deployment: Deployment, name: str | None) -> Iterator[None]:
    """Have what can be spread done by workers while open; to be entered before the graph is built.

    Parameters
    ----------
    name
        Of an entry of `[workers]`, or of an engine; None: this process does everything.

    Raises
    ------
    SettingsError
        If there is no such engine, a library is missing, or its settings are wrong.
    WorkerError
        If no workers can be had.
    """
    if name is None:
        yield
        return
    own = deployment.settings
    claim_cache(own.storage)
    engine = WORKER_ENGINES.named(name, own.workers.get(name, {}), own.plugins.folder, "workers").made()
    try:
        say(f"ats run: {engine.at_once} at once on {name}, {_hosts(engine)}")
        deployment.of(spreading).engine = engine
        yield
    finally:
        deployment.of(spreading).engine = None
        engine.close()


def _hosts(engine: ComputeEngine) -> str:
    """The machines of the workers that answer first, which must have this version of the package.

    Raises
    ------
    WorkerError
        If one has another.
    """
    facts = [json.loads(one.result()) for one in [engine.submit(FACTS, "") for _ in range(engine.at_once)]]
    ours = version("ats-assets")
    for one in facts:
        if one["version"] != ours:
            raise WorkerError(
                f"the worker on {one['host']} has ats-assets {one['version']}, this run {ours}: install the same version on all machines"
            )
    hosts = sorted({one["host"] for one in facts})
    return hosts[0] if len(hosts) == 1 else f"{len(hosts)} machines: {', '.join(hosts)}"
