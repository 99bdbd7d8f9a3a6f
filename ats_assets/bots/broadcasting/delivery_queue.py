"""The queue of messages to subscribers, in the bots' database: each is sent at most once, over restarts.

1. `publish` keeps a piece of news under its key, and a delivery to each subscriber in the same transaction: due at once, or as much later as their plan says.
2. `take` writes `sending` before anything is sent. What is left in `sending` by a process that is gone may have arrived or not: it becomes `unsure`, and is never sent again.
3. What the front surely did not take goes back to `queued`, for a while; what can't be delivered any more ends as `failed`, and who is gone as `gone`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

from sqlalchemy import Connection, func, select, update

from ats_assets.bots.bot_store import BotStore, in_utc
from ats_assets.bots.subscriptions.shop import Subscriber
from ats_assets.bots.tables import broadcasts, deliveries

Ended = Literal["sent", "unsure", "gone", "failed"]


@dataclass(frozen=True, kw_only=True)
class News:
    """Something that goes out.

    Attributes
    ----------
    key
        Of what it tells: the same key is news once.
    strategy
        Whose signals it has; None for what everybody gets.
    title, lines, columns, rows
        What a message is made of; a plan may have fewer rows.
    """

    key: str
    title: str
    strategy: str | None = None
    lines: tuple[str, ...] = ()
    columns: tuple[str, ...] = ()
    rows: tuple[tuple[str, ...], ...] = ()


@dataclass(frozen=True, kw_only=True)
class QueuedMessage:
    """One message to one person."""

    broadcast: int
    person: str
    news: News
    rows: int
    due_at: datetime
    attempts: int


class DeliveryQueue:
    """The queue.

    Parameters
    ----------
    process
        A name that no other process, before or beside, has.
    lasts
        After which what is still queued is no news any more.
    """

    def __init__(self, store: BotStore, process: str, lasts: timedelta) -> None:
        self.store, self._process, self._lasts = store, process, lasts

    def publish(self, news: News, subscribers: Sequence[Subscriber], now: datetime, *, delayed: bool = True) -> int:
        """Let it go out to whoever's plan has it; how many that are, and none if it went out before.

        Parameters
        ----------
        delayed
            Whether it comes as late as the plan says; what is about the person alone does not.
        """
        content = {"title": news.title, "lines": list(news.lines), "columns": list(news.columns), "rows": [list(row) for row in news.rows]}
        with self.store.begin() as connection:
            values = {"key": news.key, "strategy": news.strategy, "content": content, "made_at": now}
            if not self.store.insert_new(connection, broadcasts, values):
                return 0
            number = connection.execute(select(broadcasts.c.id).where(broadcasts.c.key == news.key)).scalar_one()
            rows = [
                {
                    "broadcast": number,
                    "person": one.person,
                    "state": "queued",
                    "rows": one.standing.plan.rows,
                    "due_at": now + (one.standing.plan.delay if delayed else timedelta(0)),
                    "attempts": 0,
                }
                for one in subscribers
                if one.standing.plan is not None and one.standing.plan.has(news.strategy)
            ]
            if rows:
                connection.execute(deliveries.insert(), rows)
            return len(rows)

    def was_published(self, key: str) -> bool:
        """Whether this was news before."""
        with self.store.begin() as connection:
            return connection.execute(select(broadcasts.c.id).where(broadcasts.c.key == key)).first() is not None

    def settle(self, now: datetime) -> int:
        """End what processes before this one were sending, and what is too old; how many that were."""
        with self.store.begin() as connection:
            unsure = update(deliveries).where(deliveries.c.state == "sending", deliveries.c.process != self._process)
            lost = connection.execute(unsure.values(state="unsure", ended_at=now, why="the process that sent it ended")).rowcount
            old = update(deliveries).where(deliveries.c.state == "queued", deliveries.c.due_at < now - self._lasts)
            return lost + connection.execute(old.values(state="failed", ended_at=now, why="it was no news any more")).rowcount

    def take(self, now: datetime, limit: int, fronts: Sequence[str]) -> list[QueuedMessage]:
        """The next that are due, the oldest first and one a person, each marked as being sent."""
        with self.store.begin() as connection:
            query = (
                select(deliveries, broadcasts.c.key, broadcasts.c.strategy, broadcasts.c.content)
                .join(broadcasts, broadcasts.c.id == deliveries.c.broadcast)
                .where(deliveries.c.state == "queued", deliveries.c.due_at <= now)
                .order_by(deliveries.c.due_at, deliveries.c.broadcast, deliveries.c.person)
                .limit(20 * limit)
            )
            found: dict[str, QueuedMessage] = {}
            for row in connection.execute(query).mappings():
                if row["person"].partition(":")[0] in fronts and row["person"] not in found:
                    found[row["person"]] = _delivery(row)
            taken = list(found.values())[:limit]
            for one in taken:
                self._set(connection, one, state="sending", attempts=one.attempts + 1, process=self._process)
            return taken

    def back(self, one: QueuedMessage, due_at: datetime) -> None:
        """It was surely not taken: again later."""
        with self.store.begin() as connection:
            self._set(connection, one, state="queued", due_at=due_at)

    def end(self, one: QueuedMessage, state: Ended, now: datetime, why: str = "") -> None:
        """It is over."""
        with self.store.begin() as connection:
            self._set(connection, one, state=state, ended_at=now, why=why[:300])

    def counts(self) -> dict[str, int]:
        """How many deliveries are in which state."""
        with self.store.begin() as connection:
            rows = connection.execute(select(deliveries.c.state, func.count()).group_by(deliveries.c.state)).all()
        return {row[0]: row[1] for row in rows}

    @staticmethod
    def _set(connection: Connection, one: QueuedMessage, **values: Any) -> None:
        connection.execute(
            update(deliveries).where(deliveries.c.broadcast == one.broadcast, deliveries.c.person == one.person).values(**values)
        )


def _delivery(row: Any) -> QueuedMessage:
    content = row["content"]
    news = News(
        key=row["key"],
        strategy=row["strategy"],
        title=content["title"],
        lines=tuple(content["lines"]),
        columns=tuple(content["columns"]),
        rows=tuple(tuple(one) for one in content["rows"]),
    )
    return QueuedMessage(
        broadcast=row["broadcast"],
        person=row["person"],
        news=news,
        rows=row["rows"],
        due_at=in_utc(row["due_at"]),
        attempts=row["attempts"],
    )
