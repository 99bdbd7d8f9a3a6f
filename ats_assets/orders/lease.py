"""One executor at a time: a lease in the database with an expiry, and a fencing token that grows with each holder.

The expiry makes a dead holder's place free; the token makes a holder harmless that only seemed dead (a stopped process, a long pause): each write confirms
the token in its own transaction, so whoever was overtaken can't write anything, and nothing is sent that was not written first.
"""

import os
import socket
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import Connection, select, update

from ats_assets.orders.clock import Clock
from ats_assets.orders.outcome import ExecutorBusyError, LeaseLostError
from ats_assets.orders.rows import insert_missing
from ats_assets.trade_state import TradeState
from ats_assets.trade_state.tables import leases

NAME = "executor"
_POLL_SECONDS = 0.25


@dataclass(frozen=True, kw_only=True)
class Lease:
    """The right to write and send, as long as `confirm` says so."""

    holder: str
    token: int
    seconds: float
    clock: Clock

    def confirm(self, connection: Connection) -> None:
        """Prolong the lease in the caller's transaction, which is rolled back where it is lost.

        Raises
        ------
        LeaseLostError
            If another executor has it.
        """
        mine = (leases.c.name == NAME) & (leases.c.token == self.token) & (leases.c.holder == self.holder)
        expires = self.clock.now() + timedelta(seconds=self.seconds)
        if connection.execute(update(leases).where(mine).values(expires_at=expires)).rowcount != 1:
            raise LeaseLostError(f"another executor has taken over from {self.holder} (token {self.token}): this one stops")


@contextmanager
def holding_lease(state: TradeState, clock: Clock, *, seconds: float, wait_seconds: float) -> Iterator[Lease]:
    """Take the lease, wait for it where another has it, and give it back at the end.

    Raises
    ------
    ExecutorBusyError
        If it is not free within `wait_seconds`.
    """
    holder = f"{socket.gethostname()[:60]}:{os.getpid()}:{uuid.uuid4().hex[:12]}"
    deadline = clock.now() + timedelta(seconds=wait_seconds)
    while (taken := _take(state, clock, holder, seconds)) is None:
        if clock.now() >= deadline:
            raise ExecutorBusyError(
                f"another executor holds the trade state {state.description} since more than {wait_seconds:g} s: let it end"
            )
        clock.sleep(_POLL_SECONDS)
    try:
        yield taken
    finally:
        with state.begin() as connection:
            mine = (leases.c.name == NAME) & (leases.c.token == taken.token) & (leases.c.holder == holder)
            connection.execute(update(leases).where(mine).values(holder=None))


def _take(state: TradeState, clock: Clock, holder: str, seconds: float) -> Lease | None:
    now = clock.now()
    with state.begin() as connection:
        insert_missing(connection, leases, {"name": NAME, "holder": None, "token": 0, "expires_at": now})
        row = connection.execute(select(leases).where(leases.c.name == NAME).with_for_update()).one()
        if row.holder is not None and row.expires_at > now:
            return None
        values = {"holder": holder, "token": row.token + 1, "expires_at": now + timedelta(seconds=seconds)}
        connection.execute(update(leases).where(leases.c.name == NAME).values(values))
    return Lease(holder=holder, token=row.token + 1, seconds=seconds, clock=clock)
