"""One executor at a time: a lease in the database with an expiry, and a fencing token that grows with each holder.

The expiry makes a dead holder's place free; the token makes a holder harmless that only seemed dead (a stopped process, a long pause): each write confirms
the token in its own transaction, so whoever was overtaken can't write anything, and nothing is sent that was not written first.

Who waits does not trust the other's clock: a lease that nobody has prolonged for as long as a lease is for, by the waiting one's own time, has run out, whatever
its expiry says. A person need not wait (`break_lease`).
"""

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, select, update

from ats_assets.errors import AtsError
from ats_assets.execution.clock import Clock
from ats_assets.execution.outcome import ExecutorBusyError, LeaseLostError
from ats_assets.storage.processes import is_alive, this_process
from ats_assets.trade_state import TradeState, insert_missing, record
from ats_assets.trade_state.tables import leases

NAME = "executor"
_POLL_SECONDS = 0.25
_WATCH_SECONDS = 5.0
"""In which a holder on another machine may show that it lives: while it works, it writes more often."""


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
    holder = f"{this_process()}:{uuid.uuid4().hex[:12]}"
    deadline = clock.now() + timedelta(seconds=wait_seconds)
    seen, unchanged = None, 0.0
    while not isinstance(taken := _take(state, clock, holder, seconds, dead=seen if unchanged >= seconds else None), Lease):
        if clock.now() >= deadline:
            raise ExecutorBusyError(
                f"another executor holds the trade state {state.description} for more than {wait_seconds:g} s ({taken}): let it end; if it is gone, "
                "`ats orders break-lease`"
            )
        clock.sleep(_POLL_SECONDS)
        seen, unchanged = taken, unchanged + _POLL_SECONDS if taken == seen else 0.0
    try:
        yield taken
    finally:
        with state.begin() as connection:
            mine = (leases.c.name == NAME) & (leases.c.token == taken.token) & (leases.c.holder == holder)
            connection.execute(update(leases).where(mine).values(holder=None))


@dataclass(frozen=True, kw_only=True)
class HeldLease:
    """A lease as its holder has last prolonged it."""

    holder: str
    token: int
    expires_at: datetime

    def __str__(self) -> str:
        return f"{self.holder}, token {self.token}, until {self.expires_at:%Y-%m-%d %H:%M:%S} UTC by its clock"


def break_lease(state: TradeState, clock: Clock, who: str, note: str, *, seconds: float, force: bool = False) -> HeldLease:
    """Take the lease away from its holder, by a person's word: it can write nothing more then, and sends nothing that it has not written.

    Parameters
    ----------
    who, note
        For the audit trail.
    seconds
        That a lease is for.
    force
        Also where the holder is alive, or may be.

    Returns
    -------
    HeldLease
        What was broken.

    Raises
    ------
    AtsError
        If nobody holds it, or the holder is alive, or it is free by itself in less than `seconds`; the message says which.
    """
    held = _held(state)
    if held is None:
        raise AtsError("no executor holds the lease: there is nothing to break")
    if not force and (reason := _may_be_alive(state, clock, held, seconds)):
        raise AtsError(f"the lease is held by {held}. {reason}; --force breaks it anyway. Nothing was changed")
    same = (leases.c.name == NAME) & (leases.c.token == held.token) & (leases.c.holder == held.holder)
    with state.begin() as connection:
        unchanged = same if force else same & (leases.c.expires_at == held.expires_at)
        if connection.execute(update(leases).where(unchanged).values(holder=None, expires_at=clock.now())).rowcount != 1:
            raise AtsError(f"the lease of {held} has changed in this moment: its holder is alive, or has ended. Nothing was changed")
        details = {"holder": held.holder, "token": held.token, "expires_at": held.expires_at, "forced": force}
        record(connection, clock.now(), who, "lease broken", details=details, texts={"note": note})
    return held


def _may_be_alive(state: TradeState, clock: Clock, held: HeldLease, seconds: float) -> str | None:
    """Why the holder is alive, or may be; None where it is known to be gone, or its clock to be wrong and nothing is seen of it."""
    process = held.holder.rpartition(":")[0]
    alive = is_alive(process)
    if alive is not None:
        return f"Its process {process.split(':')[-2]} runs on this machine: end it first" if alive else None
    left = (held.expires_at - clock.now()).total_seconds()
    if left <= seconds:
        return f"It is on another machine, and has prolonged it in the last {seconds:g} s: if it is gone, the lease is free in {max(left, 0):.0f} s by itself"
    clock.sleep(_WATCH_SECONDS)
    return "It has prolonged it just now: it is alive, and its clock is ahead" if _held(state) != held else None


def _held(state: TradeState) -> HeldLease | None:
    with state.begin() as connection:
        row = connection.execute(select(leases).where(leases.c.name == NAME)).one_or_none()
    return None if row is None or row.holder is None else HeldLease(holder=row.holder, token=row.token, expires_at=row.expires_at)


def _take(state: TradeState, clock: Clock, holder: str, seconds: float, *, dead: HeldLease | None) -> Lease | HeldLease:
    """The lease, where it is free or still as its `dead` holder has left it; else who holds it."""
    now = clock.now()
    with state.begin() as connection:
        insert_missing(connection, leases, {"name": NAME, "holder": None, "token": 0, "expires_at": now})
        row = connection.execute(select(leases).where(leases.c.name == NAME).with_for_update()).one()
        if row.holder is not None and row.expires_at > now:
            held = HeldLease(holder=row.holder, token=row.token, expires_at=row.expires_at)
            if held != dead:
                return held
        values = {"holder": holder, "token": row.token + 1, "expires_at": now + timedelta(seconds=seconds)}
        connection.execute(update(leases).where(leases.c.name == NAME).values(values))
    return Lease(holder=holder, token=row.token + 1, seconds=seconds, clock=clock)
