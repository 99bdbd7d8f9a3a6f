"""Sends what is queued: not faster than the services allow, not more often to one person than they can read, and nothing twice."""

import asyncio
import logging
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta

from ats_assets.bots.broadcasting.delivery_queue import DeliveryQueue, QueuedMessage
from ats_assets.bots.front import Front
from ats_assets.bots.reply import Reply, ReplyTable, said
from ats_assets.bots.subscriptions.shop import STOPPED
from ats_assets.errors import BotError, MessageRefusedError, RecipientGoneError

logger = logging.getLogger(__name__)

FIRST_WAIT, LONGEST_WAIT = timedelta(seconds=5), timedelta(minutes=10)


class BroadcastSender:
    """The sender.

    Parameters
    ----------
    per_second
        Messages of all, which each front allows: Telegram some thirty, Discord fifty requests.
    gap_seconds
        Between two messages to one person.
    attempts
        After which a message that was never taken ends as failed.
    """

    def __init__(
        self,
        queue: DeliveryQueue,
        fronts: Mapping[str, Front],
        clock: Callable[[], datetime],
        *,
        per_second: int = 20,
        gap_seconds: float = 2.0,
        attempts: int = 8,
    ) -> None:
        self._queue, self._fronts, self._clock = queue, fronts, clock
        self._per_second, self._gap, self._attempts = per_second, timedelta(seconds=gap_seconds), attempts
        self._last: dict[str, datetime] = {}
        self._settled = False

    async def work(self) -> int:
        """Send what is due now, one second's worth; how many were taken by the fronts.

        Raises
        ------
        BotError
            If the database fails.
        """
        now = self._clock()
        if not self._settled:
            await asyncio.to_thread(self._queue.settle, now)
            self._settled = True
        taken = await asyncio.to_thread(self._queue.take, now, self._per_second, list(self._fronts))
        sent = await asyncio.gather(*(self._send(one) for one in taken))
        self._last = {person: at for person, at in self._last.items() if now - at < self._gap}
        return sum(sent)

    async def _send(self, one: QueuedMessage) -> bool:
        now, last = self._clock(), self._last.get(one.person)
        if last is not None and now - last < self._gap:
            await asyncio.to_thread(self._queue.back, one, last + self._gap)
            return False
        self._last[one.person] = now
        try:
            await self._fronts[one.person.partition(":")[0]].tell_once(one.person, news_reply(one), f"{one.broadcast}")
        except RecipientGoneError as error:
            await asyncio.to_thread(self._queue.store.prefer, one.person, STOPPED, "off")
            await asyncio.to_thread(self._queue.end, one, "gone", now, str(error))
        except MessageRefusedError as error:
            await self._again(one, now, error)
        except BotError as error:
            logger.warning("whether %s has message %s is not known, so it is not sent again: %s", one.person, one.broadcast, error)
            await asyncio.to_thread(self._queue.end, one, "unsure", now, str(error))
        else:
            await asyncio.to_thread(self._queue.end, one, "sent", now)
            return True
        return False

    async def _again(self, one: QueuedMessage, now: datetime, error: MessageRefusedError) -> None:
        if error.again_seconds is None or one.attempts + 1 >= self._attempts:
            await asyncio.to_thread(self._queue.end, one, "failed", now, str(error))
            return
        wait = max(min(FIRST_WAIT * 2**one.attempts, LONGEST_WAIT), timedelta(seconds=error.again_seconds))
        await asyncio.to_thread(self._queue.back, one, now + wait)


def news_reply(one: QueuedMessage) -> Reply:
    """The message that a person gets."""
    news = one.news
    reply = said(news.title, *news.lines)
    if not news.columns:
        return reply
    shown = ReplyTable(columns=news.columns, rows=news.rows[: one.rows], more=max(0, len(news.rows) - one.rows))
    return Reply(title=reply.title, lines=reply.lines, table=shown)
