"""The exchange of a replay that outlives its process: `kill -9` takes the loop's memory, not the orders that a broker would still have.

Each request is noted with its place, the number of events that the exchange had been shown by then, before it is carried out. The same events with the same requests at the same
places give the same orders and fills, so the next process has the exchange that the killed one had. Questions are noted, too: what was told once, such as a fill, is in the
records of the account, and stays true.
"""

import contextlib
import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import NamedTuple

from ats_assets.errors import AtsError
from ats_assets.execution.broker import OrderRejectedError
from ats_assets.execution.order import AccountState, BrokerOrder, Fill, OrderIntent, Position
from ats_assets.live.replayed_exchange import ReplayedExchange
from ats_assets.live.session_journal import Heard
from ats_assets.live.simulated_clock import SimulatedClock
from ats_assets.live.stream import StreamEvent

_SUBMIT, _CANCEL, _ASK = "submit", "cancel", "ask"


class PlayedSoFar(NamedTuple):
    """What a journal says of a replay's stream: the number and time of its newest event, and the number of the last that the exchange had been shown, as far as is known."""

    heard: int
    shown: int
    at: datetime | None

    @classmethod
    def of(cls, heard: Iterable[Heard]) -> "PlayedSoFar":
        """Of what was written down."""
        events = [one.event for one in heard]
        newest = max((event for event in events if event.sequence), key=lambda event: event.sequence or 0, default=None)
        if newest is None or newest.sequence is None:
            return cls(0, 0, None)
        passed = max(event.known_at for event in events) > newest.known_at  # the time before an event passes when that is there already
        return cls(newest.sequence, newest.sequence + passed, newest.known_at)


@dataclass(kw_only=True)
class KeptExchange(ReplayedExchange):
    """An exchange in memory whose requests are in a file.

    Parameters
    ----------
    requests
        JSON, one request a line; it need not exist.
    place
        Events that were shown.
    """

    requests: Path
    place: int = 0
    _asked_at: int = 0

    def show(self, event: StreamEvent) -> None:
        """What the market does next; what it was shown already changes nothing."""
        number = event.sequence or 0
        if number > self.place:
            self.place = number
            super().show(event)

    def submit(self, intent: OrderIntent) -> BrokerOrder:
        """Take an order, noted first."""
        if intent.client_order_id not in self._orders:
            self._note(_SUBMIT, intent.client_order_id)
        return super().submit(intent)

    def cancel(self, broker_order_id: str) -> None:
        """End an order, noted first."""
        self._note(_CANCEL, broker_order_id)
        super().cancel(broker_order_id)

    def account(self) -> AccountState:
        """The account, which is noted to be known."""
        self._told()
        return super().account()

    def positions(self) -> list[Position]:
        """What is held, which is noted to be known."""
        self._told()
        return super().positions()

    def find(self, client_order_id: str) -> BrokerOrder | None:
        """An order, which is noted to be known."""
        self._told()
        return super().find(client_order_id)

    def open_orders(self) -> list[BrokerOrder]:
        """Open orders, which are noted to be known."""
        self._told()
        return super().open_orders()

    def fills(self, since: datetime) -> list[Fill]:
        """Executions, which are noted to be known."""
        self._told()
        return super().fills(since)

    def _told(self) -> None:
        if self._asked_at < self.place:
            self._note(_ASK, "")
            self._asked_at = self.place

    def take_up(self, written: PlayedSoFar, events: Iterable[StreamEvent], intent_of: Callable[[str], OrderIntent]) -> int:
        """Be what the exchange of the process before was; gives how many events it had been shown.

        Parameters
        ----------
        events
            Those of the stream, from the first on.
        intent_of
            The order of an id, as the trade state has it.
        """
        noted = self._noted()
        until, clock, own = max([written.shown, *noted]), self.clock, SimulatedClock(self.clock.now())
        self.clock = own  # the loop hears once more what it had not written down: its time is not yet there
        self._request(noted.get(0, ()), intent_of)
        for event in islice(events, until):
            own.move(event.known_at)
            self.show(event)
            self._request(noted.get(self.place, ()), intent_of)
        self.clock, self._asked_at = clock, self.place
        if self.place != until:
            raise AtsError(
                f"{self.requests} is of a replay of {until} events, and there are {self.place}: other data are played now. Use another folder"
            )
        return until

    def _note(self, what: str, name: str) -> None:
        with self.requests.open("ab") as file:
            file.write(json.dumps([self.place, what, name]).encode() + b"\n")

    def _noted(self) -> dict[int, list[tuple[str, str]]]:
        """Requests by their place."""
        found: dict[int, list[tuple[str, str]]] = {}
        lines = self.requests.read_bytes().split(b"\n")[:-1] if self.requests.exists() else []
        for place, what, name in map(json.loads, lines):
            found.setdefault(place, []).append((what, name))
        return found

    def _request(self, noted: Iterable[tuple[str, str]], intent_of: Callable[[str], OrderIntent]) -> None:
        for what, name in noted:
            if what == _CANCEL:
                super().cancel(name)
            elif what == _SUBMIT:
                with contextlib.suppress(OrderRejectedError):  # so it was then
                    super().submit(intent_of(name))
