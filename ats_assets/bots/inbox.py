"""Updates are written down before the front's service is told that they came, and taken once.

Whatever is sent twice is run once, and what a killed bot has not finished is run by the next one. To run something again is harmless: what changes anything is confirmed by a nonce, and that works once.
"""

import secrets
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta

from sqlalchemy import select, update

from ats_assets.bots import tables
from ats_assets.bots.bot_store import BotStore, in_utc

KEPT = timedelta(days=3)
"""How long an update is known; Telegram keeps one for a day."""
RETRIED = timedelta(minutes=10)
"""What was taken longer ago is not run by the next process: nobody waits for it any more, unless it lasts."""


class Inbox:
    """The updates of one front.

    Parameters
    ----------
    front
        Its name.
    lasts
        Whether a content, such as what was paid, is to be taken however late; default: none is.
    """

    def __init__(self, store: BotStore, front: str, lasts: Callable[[str], bool] = lambda _: False) -> None:
        self._store, self._front, self._process, self._lasts = store, front, secrets.token_hex(8), lasts

    def keep(self, updates: Iterable[tuple[str, str | None]], now: datetime) -> list[str]:
        """Write updates down (id and content), and give the ids of those that are new."""
        new = []
        with self._store.begin() as connection:
            connection.execute(tables.updates.delete().where(tables.updates.c.front == self._front, tables.updates.c.taken_at < now - KEPT))
            for id_, content in updates:
                values = {"front": self._front, "id": id_, "taken_at": now, "process": self._process, "content": content}
                if self._store.insert_new(connection, tables.updates, values):
                    new.append(id_)
        return new

    def done(self, id_: str, now: datetime) -> None:
        """It was answered; what it said is not kept."""
        mine = (tables.updates.c.front == self._front) & (tables.updates.c.id == id_)
        with self._store.begin() as connection:
            connection.execute(update(tables.updates).where(mine).values(done_at=now, content=None))

    def left_over(self, now: datetime) -> list[tuple[str, str]]:
        """Take what a process before this one has not finished: id and content."""
        table = tables.updates.c
        open_ = (table.front == self._front) & table.done_at.is_(None) & (table.process != self._process)
        with self._store.begin() as connection:
            rows = connection.execute(select(table.id, table.content, table.taken_at).where(open_).order_by(table.taken_at, table.id)).all()
            connection.execute(update(tables.updates).where(open_).values(process=self._process))
        return [(row.id, row.content) for row in rows if row.content and (in_utc(row.taken_at) > now - RETRIED or self._lasts(row.content))]
