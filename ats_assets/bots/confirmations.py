"""Asking again before anything is changed: a nonce that expires, is bound to who asked, where, and to what would be done, and works once.

1. `ask` stores what would be done, and gives a nonce that the button carries. The database holds a hash of the nonce, and a seal of nonce, person, place and content
   together: who can write to the database but does not know the nonce can't change what a button does.
2. `press` takes the nonce back in one transaction. Whoever presses twice, or at the same time on two phones, finds it pressed. What needs a second confirmation gets
   a second nonce, by the first.
3. What is confirmed has a key of its own, drawn when it was asked, under which the service takes it once, however often it is sent: so a bot that was killed in
   between sends it again (`unsent`), and nothing happens twice.

Every step is a line of the audit trail, refusals and expiries included.
"""

import hashlib
import json
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

from sqlalchemy import Connection, Row, update

from ats_assets.bots.bot_store import BotStore, add_to_audit, in_utc
from ats_assets.bots.tables import confirmations

State = Literal["asked", "confirmed", "sent", "done", "cancelled", "expired", "broken"]
NONCE_BYTES = 16
SETTLE_SECONDS = 40
"""Longer than both writes of one confirmation can take."""


@dataclass(frozen=True, kw_only=True)
class Proposal:
    """What would be asked of the service, once it is confirmed.

    Attributes
    ----------
    kind, body
        Of the request.
    summary
        What a person reads before confirming.
    steps
        How many confirmations it needs.
    """

    kind: str
    body: Mapping[str, Any]
    summary: tuple[str, ...]
    steps: int = 1


@dataclass(frozen=True, kw_only=True)
class Confirmed:
    """What was confirmed and is to be sent, under its key."""

    id: int
    person: str
    place: str
    kind: str
    body: Mapping[str, Any]
    summary: tuple[str, ...]
    key: str


@dataclass(frozen=True, kw_only=True)
class OneMore:
    """A second confirmation is needed: what it is about, and its nonce."""

    nonce: str
    summary: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class NotConfirmed:
    """A press that confirms nothing, and why. `over` where nobody can press it any more, so that its buttons can go."""

    why: str
    over: bool = True


class Confirmations:
    """The confirmations that are asked for.

    Parameters
    ----------
    seconds
        For how long a nonce works.
    settle_seconds
        What was confirmed less long ago may still be on its way, from this process or one that is ending.
    give_up_seconds
        What was confirmed longer ago, and never got through, is not sent any more: who confirmed it did so in another market.
    """

    def __init__(self, store: BotStore, seconds: int, *, settle_seconds: float = SETTLE_SECONDS, give_up_seconds: float = 180) -> None:
        self._store = store
        self.seconds, self.settle_seconds, self.give_up_seconds = seconds, settle_seconds, give_up_seconds

    def ask(self, proposal: Proposal, *, person: str, place: str, now: datetime) -> str:
        """Keep what is proposed, and give the nonce that confirms it."""
        with self._store.begin() as connection:
            nonce = self._add(connection, proposal, person, place, now, key=secrets.token_hex(16))
            add_to_audit(connection, now, person, place, what="asked", text=_told(proposal.kind, proposal.body))
        return nonce

    def press(self, nonce: str, *, person: str, place: str, now: datetime) -> Confirmed | OneMore | NotConfirmed:
        """Take a nonce back: what to send now, what to ask once more, or why neither."""
        with self._store.begin() as connection:
            row = self._taken(connection, nonce, person, place, now)
            if isinstance(row, NotConfirmed):
                return row
            proposal = Proposal(kind=row.kind, body=row.body, summary=tuple(row.summary), steps=row.steps_left - 1)
            if row.steps_left > 1:
                _set(connection, row.id, "done", outcome="asked once more")
                add_to_audit(connection, now, person, place, what="confirmed once", text=_told(row.kind, row.body))
                return OneMore(nonce=self._add(connection, proposal, person, place, now, key=row.idempotency_key), summary=proposal.summary)
            _set(connection, row.id, "confirmed", confirmed_at=now)
            add_to_audit(connection, now, person, place, what="confirmed", text=_told(row.kind, row.body))
            return _confirmed(row)

    def cancel(self, nonce: str, *, person: str, place: str, now: datetime) -> NotConfirmed:
        """Give a nonce up."""
        with self._store.begin() as connection:
            row = self._taken(connection, nonce, person, place, now)
            if isinstance(row, NotConfirmed):
                return row
            _set(connection, row.id, "cancelled")
            add_to_audit(connection, now, person, place, what="cancelled", text=_told(row.kind, row.body))
        return NotConfirmed(why="Cancelled: nothing was asked for.")

    def sent(self, confirmed: Confirmed, request: str, now: datetime) -> None:
        """Keep which request of the service it has become."""
        with self._store.begin() as connection:
            _set(connection, confirmed.id, "sent", request=request)
            add_to_audit(connection, now, confirmed.person, confirmed.place, what="sent", text=f"{confirmed.kind}: request {request}")

    def ended(self, confirmed: Confirmed, outcome: str, now: datetime) -> None:
        """Keep what has become of it."""
        with self._store.begin() as connection:
            _set(connection, confirmed.id, "done", outcome=outcome[:2000])
            add_to_audit(connection, now, confirmed.person, confirmed.place, what="ended", text=f"{confirmed.kind}: {outcome}")

    def unsent(self, now: datetime) -> tuple[list[Confirmed], list[Confirmed]]:
        """What was confirmed and is not known to have been sent: what is to be sent again under its key, and what is too old for that and is given up here."""
        again: list[Confirmed] = []
        old: list[Confirmed] = []
        with self._store.begin() as connection:
            rows = connection.execute(confirmations.select().where(confirmations.c.state == "confirmed").order_by(confirmations.c.id)).all()
            for row in rows:
                age = now - in_utc(row.confirmed_at)
                if age > timedelta(seconds=self.give_up_seconds):
                    old.append(_confirmed(row))
                    _set(connection, row.id, "broken", outcome="not known to have been sent")
                    add_to_audit(connection, now, row.person, row.place, what="given up", text=_told(row.kind, row.body))
                elif age >= timedelta(seconds=self.settle_seconds):
                    again.append(_confirmed(row))
        return again, old

    def under_way(self) -> list[tuple[Confirmed, str]]:
        """What was sent, and is not known to have ended: with the request that it has become."""
        with self._store.begin() as connection:
            rows = connection.execute(confirmations.select().where(confirmations.c.state == "sent").order_by(confirmations.c.id)).all()
        return [(_confirmed(row), row.request) for row in rows]

    def _add(self, connection: Connection, proposal: Proposal, person: str, place: str, now: datetime, *, key: str) -> str:
        nonce = secrets.token_urlsafe(NONCE_BYTES)
        content = {"kind": proposal.kind, "body": dict(proposal.body), "summary": list(proposal.summary)}
        values = content | {"steps_left": proposal.steps, "idempotency_key": key, "expires_at": now + timedelta(seconds=self.seconds)}
        connection.execute(
            confirmations.insert().values(
                nonce_hash=_hash(nonce),
                seal=_seal(nonce, person, place, values),
                person=person,
                place=place,
                state="asked",
                asked_at=now,
                **values,
            )
        )
        return nonce

    def _taken(self, connection: Connection, nonce: str, person: str, place: str, now: datetime) -> "Row[Any] | NotConfirmed":
        """The row of a nonce that this person may use here and now, else why not; the state is not changed yet, but no other transaction can."""
        row = connection.execute(confirmations.select().where(confirmations.c.nonce_hash == _hash(nonce)).with_for_update()).first()
        if row is None:
            add_to_audit(connection, now, person, place, what="refused", text="a button that nobody was given")
            return NotConfirmed(why="This button is not known here: give the command again.")
        refused = None
        if row.person != person:
            refused = NotConfirmed(why="Only who gave the command can confirm it.", over=False)
        elif row.place != place:
            refused = NotConfirmed(why="It can only be confirmed where it was asked.", over=False)
        elif row.seal != _seal(nonce, row.person, row.place, {name: getattr(row, name) for name in _SEALED}):
            refused = NotConfirmed(why="What was asked has been changed in the database since: nothing is done. Tell whoever runs this.")
            _set(connection, row.id, "broken", outcome="the seal does not fit")
        elif row.state == "asked" and now > in_utc(row.expires_at):
            refused = NotConfirmed(why=f"Expired: it could be confirmed for {self.seconds} seconds. Give the command again.")
            _set(connection, row.id, "expired")
        elif row.state != "asked":
            refused = NotConfirmed(why=_ALREADY.get(row.state, "It was confirmed before: nothing is done a second time."))
        if refused is None:
            return row
        add_to_audit(connection, now, person, place, what="refused", text=f"{row.kind}: {refused.why}")
        return refused


_SEALED = ("kind", "body", "summary", "steps_left", "idempotency_key", "expires_at")
_ALREADY = {
    "cancelled": "It was cancelled before.",
    "expired": "Expired: give the command again.",
    "broken": "It was given up: give the command again.",
}


def _hash(nonce: str) -> str:
    return hashlib.sha256(f"ats bots nonce\0{nonce}".encode()).hexdigest()


def _seal(nonce: str, person: str, place: str, content: Mapping[str, Any]) -> str:
    """A hash of all that a nonce is bound to; nobody can make one without the nonce."""
    sealed = {name: in_utc(value).isoformat() if isinstance(value := content[name], datetime) else value for name in _SEALED}
    told = json.dumps([nonce, person, place, sealed], sort_keys=True)
    return hashlib.sha256(f"ats bots seal\0{told}".encode()).hexdigest()


def _set(connection: Connection, id_: int, state: State, **values: Any) -> None:
    connection.execute(update(confirmations).where(confirmations.c.id == id_).values(state=state, **values))


def _confirmed(row: "Row[Any]") -> Confirmed:
    summary: Sequence[str] = row.summary
    return Confirmed(
        id=row.id, person=row.person, place=row.place, kind=row.kind, body=row.body, summary=tuple(summary), key=row.idempotency_key
    )


def _told(kind: str, body: Mapping[str, Any]) -> str:
    return f"{kind} {json.dumps(dict(body), sort_keys=True, default=str)}"
