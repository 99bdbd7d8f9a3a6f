"""What the tests of both fronts share: a reception with a few people, in front of the service's double."""

import contextlib
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ats_assets.bots.bot_store import BotStore
from ats_assets.bots.client import ApiClient
from ats_assets.bots.confirmations import Confirmations
from ats_assets.bots.people import People
from ats_assets.bots.reception import Reception
from ats_assets_tests.bots.service_double import KEY, ServiceDouble, service_double

PEOPLE: Mapping[str, tuple[str, str]] = {
    f"{front}:{number}": (role, name)
    for front in ("telegram", "discord")
    for number, role, name in ((101, "trader", "Ada"), (102, "viewer", "Vic"), (103, "admin", "Amy"), (104, "trader", "Tom"))
}


@dataclass
class Desk:
    """The parts of a running bot."""

    service: ServiceDouble
    reception: Reception
    store: BotStore


@contextlib.asynccontextmanager
async def a_desk(
    folder: Path,
    service: ServiceDouble,
    *,
    people: Mapping[str, tuple[str, str]] = PEOPLE,
    seconds: int = 60,
    settle: float = 0.0,
    **more: Any,
) -> AsyncIterator[Desk]:
    """One process's worth of bots; another one on the same folder is the next process."""
    client = ApiClient(service.address, KEY)
    with BotStore(f"sqlite:///{folder / 'bots.sqlite'}") as store:
        confirmations = Confirmations(store, seconds, settle_seconds=settle)
        reception = Reception(store=store, people=People(people, store), service=client, confirmations=confirmations, **more)
        reception.sender.wait_seconds = 1.0
        try:
            yield Desk(service, reception, store)
        finally:
            await client.close()


__all__ = ["Desk", "a_desk", "service_double"]
