"""A trader's day as people see it: an order from the dashboard's page and some from a Telegram chat, seen filled and explained, under `kill -9` of bots, desk, service and sessions."""

import asyncio
import shutil
import threading
from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

import pytest
from playwright.sync_api import Browser, expect
from sqlalchemy import select

from ats_assets.brokers.paper import tables as paper_tables
from ats_assets.serving.keys import KeyStore
from ats_assets.serving.roles import Role
from ats_assets.trade_state import TradeState, tables
from ats_assets_tests.bots.telegram_double import TOKEN, TelegramDouble, telegram_double
from ats_assets_tests.cli.up_day import Day
from ats_assets_tests.rounds import rounds
from ats_assets_tests.serving.dashboard_browser import started_browser, watched

ADA = 101
SYMBOL = "SYN0000"


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with started_browser() as browser:
        yield browser


class Chat:
    """Telegram's double in a thread of its own, asked from this one."""

    def __init__(self) -> None:
        self.double: TelegramDouble | None = None
        self._begun = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._run()), daemon=True)
        self._thread.start()
        assert self._begun.wait(30)

    async def _run(self) -> None:
        self._loop, self._ended = asyncio.get_running_loop(), asyncio.Event()
        async with telegram_double() as double:
            self.double = double
            self._begun.set()
            await self._ended.wait()

    def _call(self, work: Callable[[TelegramDouble], Any]) -> Any:
        async def called() -> Any:
            assert self.double is not None
            made = work(self.double)
            return await made if asyncio.iscoroutine(made) else made

        return asyncio.run_coroutine_threadsafe(called(), self._loop).result(200)

    @property
    def address(self) -> str:
        assert self.double is not None
        return self.double.address

    def says(self, text: str) -> None:
        self._call(lambda double: double.message(text, sender=ADA))

    def heard(self, part: str) -> dict[str, Any]:
        return self._call(lambda double: double.said(part, seconds=180))

    def press(self, question: dict[str, Any]) -> None:
        self._call(lambda double: double.press(question["buttons"][0]["callback_data"], sender=ADA, message=question))

    def end(self) -> None:
        self._loop.call_soon_threadsafe(self._ended.set)
        self._thread.join(30)


@pytest.fixture
def chat() -> Iterator[Chat]:
    chat = Chat()
    yield chat
    chat.end()


@pytest.fixture
def day(made: tuple[Path, CompletedProcess[str]], tmp_path: Path, chat: Chat) -> Iterator[Day]:
    home = shutil.copytree(made[0], tmp_path / "home")
    key = KeyStore(home / "data").add("bots", Role.TRADE, speaks_for_others=True)
    more = {
        "ATS_BOTS__TELEGRAM__ENABLED": "true",
        "ATS_BOTS__TELEGRAM__SERVER": chat.address,
        "ATS_BOTS__PEOPLE": f'{{"telegram:{ADA}": {{"role": "trader", "name": "Ada"}}}}',
        "TELEGRAM_BOT_TOKEN": TOKEN,
        "BOTS_API_KEY": key,
    }
    with Day.begun(home, bots=True, **more) as day:
        yield day


@pytest.mark.slow
def test_a_day_on_the_page_and_in_the_chat(day: Day, chat: Chat, browser: Browser, tmp_path: Path) -> None:
    day.call("GET", "requests")
    with watched(browser, f"http://127.0.0.1:{day.port}") as watching:
        page = watching.page
        page.set_default_timeout(180_000)
        page.goto(f"{watching.address}/#/signals")
        page.get_by_label("API key").fill(day.key)
        page.keyboard.press("Enter")
        expect(page.locator("tbody tr", has_text="SYN").first).to_be_visible(timeout=60_000)  # signals arrive
        watching.show(f"/paper?symbol={SYMBOL}")
        page.get_by_label("Shares").fill("3")
        page.get_by_role("button", name="Review order").click()
        page.locator("dialog").get_by_role("button", name="Buy on paper").click()
        expect(page.locator(".told .notice")).to_contain_text("The order is asked for")
        row = page.locator('section:has(h2:text-is("Requests")) tbody tr', has_text=f"buy 3 {SYMBOL}")
        expect(row).to_contain_text("Filled", timeout=120_000)  # seen filled, without loading the page again
        row.get_by_role("button", name="Explain").click()
        expect(page.locator("dialog.explained h3", has_text="Filled 3 at")).to_be_visible()
        expect(page.locator("dialog.explained .way").last).to_contain_text("bars ← raw_bars")
        page.locator("dialog.explained").get_by_role("button", name="Close").click()
        page.screenshot(path=tmp_path / "day.png")

    killed_each = ("", "desk", "bots", "sessions", "service")[:: rounds(2, 1)]
    for number, killed in enumerate(killed_each, 1):
        chat.says(f"/buy {SYMBOL} {number}")
        question = chat.heard(f"Buy {number} {SYMBOL}")
        chat.press(question)
        if killed:
            day.kill(killed)
        day.wait(lambda number=number: ordered(day, number))
    asked = [one for one in day.call("GET", "requests?limit=50")["data"] if one["kind"] == "place_order"]
    done = [day.ended(one["id"]) for one in asked]
    assert sorted(Decimal(one["body"]["quantity"]) for one in done) == sorted([3, *range(1, len(killed_each) + 1)]), "each asked for once"
    assert {one["on_behalf_of"] for one in done} == {None, f"telegram:{ADA}"}
    chat.says(f"/why manual-{done[0]['id']}")
    assert "raw_bars" in chat.heard("Why manual-")["text"], "down to the delivery"
    assert day.end() == 0
    assert_each_was_one_order(day, done)


def ordered(day: Day, quantity: int) -> bool:
    """Whether the request of the chat for so many shares has become an order."""
    rows = day.call("GET", "requests?limit=50")["data"]
    mine = [one for one in rows if one.get("on_behalf_of") and one["body"].get("quantity") == str(quantity)]
    assert len(mine) <= 1, "twice"
    return bool(mine) and mine[0]["state"] in {"taken", "done"}


def assert_each_was_one_order(day: Day, done: list[dict[str, Any]]) -> None:
    with TradeState(f"sqlite:///{day.home / 'data' / 'trade_state.sqlite'}") as state, state.begin() as connection:
        names = {f"manual-{one['id']}" for one in done}
        orders = connection.execute(select(paper_tables.orders.c.client_order_id)).scalars().all()
        assert sorted(name for name in orders if name.startswith("manual-")) == sorted(names)
        for one in done:
            fills = connection.execute(
                select(tables.fills.c.quantity).where(tables.fills.c.client_order_id == f"manual-{one['id']}")
            ).scalars()
            assert sum(fills, Decimal(0)) in {Decimal(one["body"]["quantity"]), Decimal(0)}
