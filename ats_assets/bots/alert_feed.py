"""Alerts for those who asked for them: each new one is told once to each person, in private, as long as they are known.

Told once over restarts: who was told of what is kept as it is told. A bot that dies between the message and that line tells it again.
"""

import asyncio
import hashlib
import logging
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from ats_assets.bots.bot_store import BotStore
from ats_assets.bots.client import ApiClient
from ats_assets.bots.figures import moment, word
from ats_assets.bots.front import Front
from ats_assets.bots.people import People
from ats_assets.bots.reply import Reply, said
from ats_assets.errors import BotError

logger = logging.getLogger(__name__)

SEVERITIES = ("info", "warning", "critical")
PREFERENCE = "alerts"
"""Of a person: the least severity, or off."""
SINCE = "alerts since"
MOST = 100
"""Of the newest alerts that are looked at."""


class AlertFeed:
    """Tells people of alerts.

    Parameters
    ----------
    fronts
        By name.
    """

    def __init__(
        self, service: ApiClient, store: BotStore, people: People, fronts: Mapping[str, Front], clock: Callable[[], datetime]
    ) -> None:
        self._service, self._store, self._people, self._fronts, self._clock = service, store, people, fronts, clock

    async def look(self) -> int:
        """Tell what is new; how many messages that were.

        Raises
        ------
        BotError
            If the service can't be asked.
        """
        since = await asyncio.to_thread(self._store.mark, SINCE)
        if since is None:  # what was before the bots is not news
            since = self._clock().isoformat()
            await asyncio.to_thread(self._store.set_mark, SINCE, since)
        wanted = await asyncio.to_thread(self._store.preferring, PREFERENCE)
        if not any(least in SEVERITIES for least in wanted.values()):
            return 0
        rows = await self._service.every("alerts", MOST)
        new = [row for row in rows if datetime.fromisoformat(row["at"]) >= datetime.fromisoformat(since)]
        told = 0
        for row in reversed(new):
            for person, least in wanted.items():
                told += await self._tell(person, least, row)
        return told

    async def _tell(self, person: str, least: str, row: Mapping[str, Any]) -> int:
        front = self._fronts.get(person.partition(":")[0])
        severity, key = str(row.get("severity")), alert_key(row)
        if front is None or least not in SEVERITIES or severity not in SEVERITIES or SEVERITIES.index(severity) < SEVERITIES.index(least):
            return 0
        if await asyncio.to_thread(self._store.was_told, person, key) or not await asyncio.to_thread(self._people.find, person):
            return 0
        try:
            await front.tell(person, alert_reply(row))
        except BotError as error:
            logger.warning("%s", error)
            return 0
        await asyncio.to_thread(self._store.told, person, key, self._clock())
        return 1


def alert_key(row: Mapping[str, Any]) -> str:
    """What is the same for one alert that went over several routes, each of which is a row."""
    told = f"{row.get('severity')}\0{row.get('title')}\0{row.get('text')}\0{str(row.get('at'))[:19]}"
    return f"alert {hashlib.sha256(told.encode()).hexdigest()[:32]}"


def alert_reply(row: Mapping[str, Any]) -> Reply:
    """An alert as a message."""
    return said(f"{word(row.get('severity')).upper()}: {word(row.get('title'))}", word(row.get("text")), f"{moment(row.get('at'))} UTC")
