"""One loop at a time: the newest has the journal, and whoever had it before writes nothing more."""

import uuid
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sqlalchemy import Connection, select, update

from ats_assets.errors import AtsError
from ats_assets.storage.processes import is_alive, this_process
from ats_assets.trade_state import insert_missing
from ats_assets.trade_state.journal_tables import loops

_ALIVE_SECONDS = 60.0
"""In which a loop on another machine must have written to count as alive."""


class LoopLostError(AtsError):
    """Another loop has taken over; this one writes and sends nothing more."""


@dataclass(kw_only=True)
class Claim:
    """The right to write a strategy's journal."""

    strategy: str
    holder: str = field(default_factory=lambda: f"{this_process()}:{uuid.uuid4().hex[:12]}")
    token: int = 0

    def take(self, connection: Connection, now: datetime) -> None:
        """Take the journal.

        Raises
        ------
        AtsError
            If a loop that is alive has it.
        """
        insert_missing(connection, loops, {"strategy": self.strategy, "holder": None, "token": 0, "beat_at": now})
        row = connection.execute(select(loops).where(loops.c.strategy == self.strategy).with_for_update()).one()
        alive = row.holder is not None and is_alive(row.holder.rpartition(":")[0])
        recent = now - row.beat_at < timedelta(seconds=_ALIVE_SECONDS)
        mine = row.holder is not None and row.holder.rpartition(":")[0] == this_process()
        if row.holder is not None and not mine and (alive or (alive is None and recent)):
            raise AtsError(
                f"a session loop runs already ({row.holder}, last at {row.beat_at:%H:%M:%S} UTC): end it first. Nothing was changed"
            )
        self.token = row.token + 1
        values = {"holder": self.holder, "token": self.token, "beat_at": now}
        connection.execute(update(loops).where(loops.c.strategy == self.strategy).values(**values))

    def confirm(self, connection: Connection, now: datetime) -> None:
        """Show that this loop still has it, in the transaction of what it writes.

        Raises
        ------
        LoopLostError
            If another one has taken over.
        """
        mine = (loops.c.strategy == self.strategy) & (loops.c.token == self.token)
        if connection.execute(update(loops).where(mine).values(beat_at=now)).rowcount != 1:
            raise LoopLostError(f"another session loop has taken over from {self.holder}: this one stops")

    def give_back(self, connection: Connection) -> None:
        """At the end."""
        mine = (loops.c.strategy == self.strategy) & (loops.c.token == self.token)
        connection.execute(update(loops).where(mine).values(holder=None))
