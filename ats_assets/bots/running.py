"""All of it together, for `ats bots run`: the fronts that are on, and beside them what looks after confirmations and alerts, until it is told to stop."""

import asyncio
import contextlib
import logging
import signal
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from ats_assets.bots.alert_feed import AlertFeed
from ats_assets.bots.bot_store import BotStore
from ats_assets.bots.client import ApiClient
from ats_assets.bots.confirmations import Confirmations
from ats_assets.bots.front import Front
from ats_assets.bots.people import People
from ats_assets.bots.recent_log import RecentLog
from ats_assets.bots.reception import Reception
from ats_assets.bots.sales import SalesPlan, opened_shop, sales_tasks
from ats_assets.errors import AtsError, BotError

logger = logging.getLogger(__name__)
LOOK_SECONDS = 5.0
"""Between two looks at what was confirmed and has not ended."""


@dataclass(frozen=True, kw_only=True)
class BotsPlan:
    """What the bots are told, as plain values.

    Attributes
    ----------
    service, key
        The address of `ats serve`, and the API key; without one the bots can read where that is open, and ask for nothing.
    database
        Address of the bots' own database.
    people
        Id -> role and name.
    chats
        Places, besides private ones, where they answer.
    telegram_token, discord_token
        None: that front is off.
    """

    service: str
    key: str | None = field(repr=False)
    database: str = field(repr=False)
    people: Mapping[str, tuple[str, str]]
    chats: frozenset[str] = frozenset()
    confirm_seconds: int = 60
    max_age_seconds: int = 300
    commands_per_minute: int = 20
    alerts_every_seconds: float = 15.0
    telegram_token: str | None = field(default=None, repr=False)
    telegram_server: str | None = None
    discord_token: str | None = field(default=None, repr=False)
    sales: SalesPlan = field(default_factory=SalesPlan)


def made_fronts(plan: BotsPlan, reception: Reception, **discord: Any) -> dict[str, Front]:
    """The fronts that are on, by name.

    Raises
    ------
    BotError
        If none is, or a library is missing.
    """
    found: dict[str, Front] = {}
    try:
        if plan.telegram_token:
            from ats_assets.bots.telegram_front import SERVER, TelegramFront  # noqa: PLC0415 - a library of the extra

            found["telegram"] = TelegramFront(plan.telegram_token, reception, server=plan.telegram_server or SERVER)
        if plan.discord_token:
            from ats_assets.bots.discord_front import DiscordFront  # noqa: PLC0415

            found["discord"] = DiscordFront(plan.discord_token, reception, **discord)
    except ImportError as error:
        raise BotError(f"{error.name} is not installed: pip install 'ats-assets[bots]'") from None
    if not found:
        raise BotError("no bot is on: set bots.telegram.enabled or bots.discord.enabled, and the token in the environment (docs/bots.md)")
    return found


async def run_bots(plan: BotsPlan, *, make: Callable[[BotsPlan, Reception], Mapping[str, Front]] = made_fronts) -> None:
    """Run until SIGINT or SIGTERM, or until a front can't go on.

    Raises
    ------
    BotError
        If a token is not taken, the database can't be opened, or no front is on.
    """
    with RecentLog.kept(), BotStore(plan.database) as store:
        service = ApiClient(plan.service, plan.key)
        try:
            reception = Reception(
                store=store,
                people=People(plan.people, store),
                service=service,
                confirmations=Confirmations(store, plan.confirm_seconds),
                chats=plan.chats,
                max_age_seconds=plan.max_age_seconds,
                per_minute=plan.commands_per_minute,
                **opened_shop(store, plan.sales),
            )
            if not plan.people:
                logger.warning("bots.people names nobody, so nobody is answered: a stranger is told their id, which belongs there")
            await _run(plan, reception, make(plan, reception))
        finally:
            await service.close()


async def _run(plan: BotsPlan, reception: Reception, fronts: Mapping[str, Front]) -> None:
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        with contextlib.suppress(NotImplementedError):  # Windows
            loop.add_signal_handler(number, stopping.set)
    alerts = AlertFeed(reception.service, reception.store, reception.people, fronts, reception.clock)
    running = [asyncio.create_task(front.run()) for front in fronts.values()]
    running += [
        asyncio.create_task(_every(LOOK_SECONDS, lambda: look_after(reception, fronts))),
        asyncio.create_task(_every(plan.alerts_every_seconds, alerts.look)),
    ]
    server, works = sales_tasks(plan.sales, reception, fronts)
    running += [asyncio.create_task(_every(seconds, work)) for seconds, work in works]
    running += [asyncio.create_task(server.run())] if server else []
    told = asyncio.create_task(stopping.wait())
    try:
        done, _ = await asyncio.wait({told, *running}, return_when=asyncio.FIRST_COMPLETED)
        for task in done - {told}:
            await task
    finally:
        await asyncio.gather(*(one.stop() for one in (*fronts.values(), *([server] if server else []))), return_exceptions=True)
        for task in (*running[len(fronts) :], told):
            task.cancel()
        await asyncio.wait(running, timeout=15)
        for number in (signal.SIGINT, signal.SIGTERM):
            with contextlib.suppress(NotImplementedError):
                loop.remove_signal_handler(number)


async def look_after(reception: Reception, fronts: Mapping[str, Front]) -> None:
    """Go on with what was confirmed and has not ended, and tell who confirmed it."""
    for confirmed, reply in await reception.sender.look_after():
        front = fronts.get(confirmed.person.partition(":")[0])
        if front:
            try:
                await front.tell(confirmed.person, reply)
            except BotError as error:
                logger.warning("%s", error)


async def _every(seconds: float, work: Callable[[], Any]) -> None:
    while True:
        try:
            await work()
        except AtsError as error:
            logger.warning("%s", error)
        except Exception:  # one failure may not end what is done again and again
            logger.exception("what the bots look after failed; it is tried again")
        await asyncio.sleep(seconds)
