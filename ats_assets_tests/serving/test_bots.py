"""Every command that reads, on the service itself over a traded deployment: what people see is what the service tells."""

import asyncio
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest

from ats_assets.bots.bot_store import BotStore
from ats_assets.bots.catalogue import catalogue
from ats_assets.bots.client import ApiClient
from ats_assets.bots.confirmations import Confirmations
from ats_assets.bots.people import People, PersonRole
from ats_assets.bots.reception import Incoming, Reception
from ats_assets.bots.rendering import DISCORD, TELEGRAM, rendered
from ats_assets.bots.reply import Reply
from ats_assets.deployment import Deployment
from ats_assets.execution.trading import open_trading
from ats_assets.serving.app import make_app
from ats_assets.serving.keys import KeyStore
from ats_assets.serving.roles import Role
from ats_assets_tests.bots.desk import PEOPLE
from ats_assets_tests.bots.telegram_double import is_html
from ats_assets_tests.serving.made_deployment import deployment_in

LINES = (
    ("status", ["Trading: not stopped", "positions,", "Signals of 2021-03-31, for the open of 2021-04-01"]),
    ("health", ["signals: ok"]),
    ("signals 3", ["For the open of 2021-04-01", "SYN0009", "long", "20.0%"]),
    ("signals 2 2021-03-30", ["Signals of 2021-03-30"]),
    ("portfolio", ["positions at 2021-03-30 20:00 UTC", "SYN0003"]),
    ("balance", ["equity: 1,020,759.14", "cash: 23,333.50"]),
    ("exposure", ["gross 98.5%", "SYN0003"]),
    ("count", ["6 positions"]),
    ("orders", ["main-20210330-SYN0009-open", "accepted"]),
    ("orders all", ["filled"]),
    ("fills SYN0009", ["SYN0009", "64.81"]),
    ("trades", ["SYN0009", "109"]),
    ("profit", ["2021-03-30", "19,395.34", "Since 2021-03-24: 20,759.14, 2.08%"]),
    ("weekly", ["2021-03-29", "2021-03-22"]),
    ("monthly", ["2021-03"]),
    ("performance", ["SYN0000", "2021-03-24"]),
    ("performance strategy", ["main"]),
    ("models", ["lightgbm (lightgbm): fitted at 2021-03-29", "is traded: the only model"]),
    ("report", ["Sharpe 6.12", "/api/v1/reports/backtest"]),
    ("explain syn0009", ["Target: 20.0% of equity", "Score 0.03929 by", "raw_bars", "bars"]),
    ("why main-20210330-SYN0009-open", ["buy 1,009 SYN0009, market on open: accepted", "Decided at 66.35", "raw_bars"]),
    ("alerts", ["Yours are off"]),
    ("universe 3", ["Universe: 10", "SYN0006", "7 more"]),
    ("settings portfolio", ["portfolio.top_k = 3"]),
    ("risk", []),
    ("version", ["ats-assets", "with the role read"]),
    ("help", ["/signals [MOST] [SESSION]"]),
    ("help explain", ["a symbol, or the id of an order", "Also: /why"]),
    ("explain NOSUCH", ["Not done"]),
    ("explain SYN0009 2021-03-28", ["Not done", "2021-03-28"]),
    ("why main-20210330-SYN0009-nothing", ["Not done", "There is no order"]),
    ("chart NOSUCH", ["Not done", "There are no bars of 'NOSUCH'"]),
)


@pytest.fixture
def replies(deployment: Deployment, tmp_path: Path) -> dict[str, Reply]:
    """What each line is answered."""

    async def ask() -> dict[str, Reply]:
        with BotStore(f"sqlite:///{tmp_path / 'bots.sqlite'}") as store:
            reception = await reception_on(deployment, store, None)
            found = {}
            for line in (*(line for line, _ in LINES), "chart SYN0009 30"):
                incoming = Incoming(sender="telegram:103", place="telegram:103", private=True, at=datetime.now(UTC))
                reply = await reception.line(incoming, *line.partition(" ")[::2])
                assert reply is not None
                found[line] = reply
            await reception.service.close()
        return found

    return asyncio.run(ask())


async def reception_on(deployment: Deployment, store: BotStore, key: str | None) -> Reception:
    """A reception in front of a deployment's service."""
    transport = httpx.ASGITransport(make_app(deployment), client=("127.0.0.1", 50_000))
    client = ApiClient("http://127.0.0.1:8000", key, transport=transport)
    reception = Reception(store=store, people=People(PEOPLE, store), service=client, confirmations=Confirmations(store, 60), per_minute=100)
    reception.sender.wait_seconds = 0.0
    return reception


def test_what_is_asked_for_by_button_is_taken_up_by_the_desk_and_told(own_deployment: Deployment, tmp_path: Path) -> None:
    """An order, confirmed ten times, is one; a pause and its end; each told by the service's own words."""
    home = own_deployment.settings.storage.data.parent
    deployment = deployment_in(home, serving={"writes": True})
    key = KeyStore(deployment.settings.storage.data).add("bots", Role.TRADE, speaks_for_others=True)
    told: list[tuple[str, ...]] = []
    alerts: list[str] = []
    listed: list[str] = []
    explained: list[str] = []

    async def play() -> None:
        with BotStore(f"sqlite:///{tmp_path / 'bots.sqlite'}") as store:
            reception = await reception_on(deployment, store, key)

            def incoming() -> Incoming:
                return Incoming(sender="telegram:101", place="telegram:101", private=True, at=datetime.now(UTC))

            async def confirmed(line: str, presses: int = 1) -> Reply:
                reply = await reception.line(incoming(), *line.partition(" ")[::2])
                while reply is not None and reply.buttons:
                    data = reply.buttons[0].data
                    reply, *_ = [await reception.button(incoming(), data) for _ in range(presses)]
                assert reply is not None
                return reply

            def desk() -> None:
                with open_trading(deployment, alert=lambda one: alerts.append(one.title)) as trading:
                    trading.desk.look()

            for line, presses in (("buy SYN0004 10", 10), ("pause odd prices", 1), ("resume looked at it", 1), ("cancel main-none", 1)):
                reply = await confirmed(line, presses)
                desk()
                told.append((line, reply.title, *(one.title for _, one in await reception.sender.look_after())))
            ordered = (await reception.service.read("requests", limit=4))["data"][-1]["order"]["client_order_id"]
            reply = await reception.line(incoming(), "why", ordered)
            assert reply is not None
            explained.extend(reply.lines)
            reply = await reception.line(incoming(), "requests", "")
            assert reply is not None
            listed.extend(reply.lines)
            await reception.service.close()

    asyncio.run(play())
    assert told == [
        ("buy SYN0004 10", "Asked for", "Done"),
        ("pause odd prices", "Trading stops", "Done"),
        ("resume looked at it", "Asked for", "Done"),
        ("cancel main-none", "Asked for", "Refused"),
    ]
    assert alerts == ["Trading stops"]
    assert "Judged by the bars of 2021-03-30" in explained
    assert any(line.strip().startswith("raw_bars 2021-03-30") for line in explained), explained
    kinds = [
        ("cancel_order", "refused", "there is no order"),
        ("resume", "done", ""),
        ("halt", "done", ""),
        ("place_order", "done", "manual-"),
    ]
    for line, parts in zip(listed[: len(kinds)], kinds, strict=True):
        assert all(part in line for part in (*parts, "for telegram:101"))


def test_each_reading_command_tells_what_the_service_does(replies: dict[str, Reply]) -> None:
    for line, parts in LINES:
        told = "\n".join(rendered(replies[line], TELEGRAM))
        missing = [part for part in parts if part not in told]
        assert not missing, f"/{line}: {told}"
    for reply in replies.values():
        assert all(is_html(part) for part in rendered(reply, TELEGRAM))
        assert all(len(part) <= 2000 for part in rendered(reply, DISCORD))
    picture = replies["chart SYN0009 30"].picture
    assert picture is not None
    assert picture.content[:8] == b"\x89PNG\r\n\x1a\n"


def test_no_reading_command_is_left_out() -> None:
    asked = {line.partition(" ")[0] for line, _ in LINES} | {"chart"}
    reads = {name for name, command in catalogue().items() if command.role is PersonRole.VIEWER and not command.confirmed}
    assert reads - asked == {"whoami", "requests"}, "these are in the tests of the fronts"
