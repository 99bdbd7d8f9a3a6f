"""Alerts are told to those who switched them on, each once, also where a route more, a restart or a lost message is in between."""

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from ats_assets.bots.alert_feed import AlertFeed
from ats_assets.bots.reception import Incoming
from ats_assets.bots.reply import Reply
from ats_assets.errors import BotError
from ats_assets_tests.bots.desk import Desk, a_desk, service_double

NOW = datetime(2024, 3, 1, 15, 0, tzinfo=UTC)


class Told:
    """A front that keeps what it tells, and fails as often as it is asked to."""

    name = "telegram"

    def __init__(self) -> None:
        self.messages: list[tuple[str, str]] = []
        self.fails = 0

    async def run(self) -> None:
        """Hear nothing."""

    async def stop(self) -> None:
        """Nothing is open."""

    async def tell(self, person: str, reply: Reply) -> None:
        if self.fails:
            self.fails -= 1
            raise BotError("not taken")
        self.messages.append((person, reply.title))


def alert(number: int, severity: str, at: datetime, **more: Any) -> dict[str, Any]:
    return {"id": number, "at": at.isoformat(), "severity": severity, "title": f"alert {number}", "text": "x", "route": "desk"} | more


async def switched(desk: Desk, number: int, words: str) -> None:
    incoming = Incoming(sender=f"telegram:{number}", place=f"telegram:{number}", private=True, at=NOW)
    assert await desk.reception.line(incoming, "alerts", words) is not None


def feed(desk: Desk, front: Told) -> AlertFeed:
    return AlertFeed(desk.reception.service, desk.store, desk.reception.people, {"telegram": front}, lambda: NOW)


def test_each_alert_is_told_once_to_whom_it_is_for(tmp_path: Path) -> None:
    front = Told()

    async def play() -> None:
        async with service_double() as service:
            async with a_desk(tmp_path, service, clock=lambda: NOW) as desk:
                service.alerts = [alert(1, "critical", NOW - timedelta(hours=1))]
                await switched(desk, 101, "on warning")
                await switched(desk, 102, "on")
                await switched(desk, 103, "on")
                await switched(desk, 103, "off")
                assert await feed(desk, front).look() == 0, "what was before the bots is not news"
                later = NOW + timedelta(seconds=1)
                service.alerts += [
                    alert(2, "info", later),
                    alert(3, "critical", later),
                    alert(4, "critical", later, title="alert 3", route="mail"),
                ]
                front.fails = 1
                assert await feed(desk, front).look() == 2
                assert await feed(desk, front).look() == 1, "what was not taken is told the next time"
                desk.reception.people.revoke("telegram:102", by="x", now=NOW)
                service.alerts.append(alert(5, "warning", later))
            async with a_desk(tmp_path, service, clock=lambda: NOW) as desk:
                assert await feed(desk, front).look() == 1

    asyncio.run(play())
    assert sorted(front.messages) == [
        ("telegram:101", "CRITICAL: alert 3"),
        ("telegram:101", "WARNING: alert 5"),
        ("telegram:102", "CRITICAL: alert 3"),
        ("telegram:102", "INFO: alert 2"),
    ]
