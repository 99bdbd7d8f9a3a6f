"""News for subscribers: the signals of each new session, by strategy, as the service tells them."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

from ats_assets.bots.broadcasting.delivery_queue import DeliveryQueue, News
from ats_assets.bots.client import ApiClient
from ats_assets.bots.subscriptions.shop import Shop

MOST_ROWS = 100_000
"""Of a session: all that there are, since the strongest shorts are the last of the service's list, and one strategy's follow another's."""
KEPT_ROWS = 200
"""Of a message: no plan shows more."""
SINCE = "signals since"
"""The mark of the newest session that was there before the bots: it is not news."""
WARNING = "A model's figures, not advice. What was found in the past may not hold."
COLUMNS = ("rank", "symbol", "direction", "probability", "weight")


class ServiceNews:
    """Looks for what is new, and lets it go out."""

    def __init__(self, service: ApiClient, shop: Shop, queue: DeliveryQueue, clock: Callable[[], datetime]) -> None:
        self._service, self._shop, self._queue, self._clock = service, shop, queue, clock

    async def look(self) -> int:
        """Publish the signals of a session that has not been published; to how many deliveries.

        Raises
        ------
        BotError
            If the service can't be asked.
        """
        page = await self._service.read("signals", limit=1)
        session = page.get("session")
        if not session:
            return 0
        first = await asyncio.to_thread(self._queue.store.mark, SINCE)
        if first is None:
            await asyncio.to_thread(self._queue.store.set_mark, SINCE, session)
            return 0
        if session <= first:
            return 0
        rows = await self._service.every("signals", MOST_ROWS, session=session)
        by_strategy: dict[str, list[Mapping[str, Any]]] = {}
        for row in rows:
            by_strategy.setdefault(str(row.get("strategy") or ""), []).append(row)
        now, total = self._clock(), 0
        subscribers = await asyncio.to_thread(self._shop.subscribers, now)
        for strategy, own in sorted(by_strategy.items()):
            total += await asyncio.to_thread(self._queue.publish, signal_news(session, strategy, own), subscribers, now)
        await asyncio.to_thread(self._queue.store.set_mark, SINCE, session)
        return total


def signal_news(session: str, strategy: str, rows: Sequence[Mapping[str, Any]]) -> News:
    """A session's signals of a strategy that it trades on, the strongest first."""
    weighed = [row for row in rows if _number(row.get("signal_weight"))]
    weighed.sort(key=lambda row: (-abs(_number(row.get("signal_weight")) or 0.0), str(row.get("symbol"))))
    shown = tuple(
        (
            str(place),
            str(row.get("symbol")),
            str(row.get("direction")),
            _percent(row.get("probability")),
            _percent(row.get("signal_weight"), signed=True),
        )
        for place, row in enumerate(weighed[:KEPT_ROWS], 1)
    )
    lines = (WARNING,) if shown else ("No signals.", WARNING)
    name = f" of {strategy}" if strategy else ""
    return News(
        key=f"signals:{strategy}:{session}",
        strategy=strategy or None,
        title=f"Signals{name}, {session}",
        lines=lines,
        columns=COLUMNS if shown else (),
        rows=shown,
    )


def _number(value: object) -> float | None:
    try:
        return float(str(value)) if value is not None else None
    except ValueError:
        return None


def _percent(value: object, *, signed: bool = False) -> str:
    number = _number(value)
    return "-" if number is None else f"{number:+.1%}" if signed else f"{number:.1%}"
