"""The Telegram bot, by aiogram itself, against a double of the Bot API: what people see, and what happens when connections and processes end."""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import func, select

from ats_assets.bots import tables
from ats_assets.errors import BotError
from ats_assets_tests.bots.desk import Desk, a_desk, service_double
from ats_assets_tests.bots.telegram_double import TOKEN, Fault, TelegramDouble, a_front, telegram_double

if TYPE_CHECKING:
    from ats_assets.bots.telegram_front import TelegramFront

GROUP = -100123


@contextlib.asynccontextmanager
async def running(double: TelegramDouble, desk: Desk) -> AsyncIterator["TelegramFront"]:
    """The front, listening."""
    front = a_front(TOKEN, desk.reception, server=double.address, poll_seconds=1, retry_seconds=0.01)
    task = asyncio.create_task(front.run())
    try:
        yield front
    finally:
        await front.stop()
        await task


async def settled(double: TelegramDouble, desk: Desk) -> None:
    """Wait until every update was brought to its end: what was not said then is not said at all."""
    query = select(func.count()).where(tables.updates.c.done_at.is_not(None))
    async with asyncio.timeout(20):
        while True:
            with desk.store.begin() as connection:
                if connection.execute(query).scalar_one() >= double.made:
                    return
            await asyncio.sleep(0.02)


def played(tmp_path: Path, scene: Callable[[TelegramDouble, Desk], Awaitable[None]], **options: object) -> None:
    """Play a scene with one process of the bot."""

    async def play() -> None:
        async with (
            telegram_double() as double,
            service_double() as service,
            a_desk(tmp_path, service, **options) as desk,
            running(double, desk),
        ):
            await scene(double, desk)

    asyncio.run(play())


def test_an_order_is_asked_for_confirmed_and_seen_done(tmp_path: Path) -> None:
    async def scene(double: TelegramDouble, desk: Desk) -> None:
        double.message("/buy aapl 10 150.5")
        question = await double.said("Confirm?")
        assert "Buy 10 AAPL at 150.5 or better" in question["text"]
        assert not desk.service.requests
        double.press(question["buttons"][0]["callback_data"], message=question)
        done = await double.said("Done")
        assert done["method"] == "editmessagetext"
        assert not done["buttons"]
        (made,) = desk.service.requests.values()
        assert made["body"] == {"symbol": "AAPL", "side": "buy", "quantity": "10", "kind": "limit", "limit_price": "150.5"}
        assert made["on_behalf_of"] == "telegram:101"
        assert [row["what"] for row in desk.store.audited(10)][::-1] == ["asked", "confirmed", "sent", "ended"]

    played(tmp_path, scene)


def test_a_button_works_once_however_often_it_is_pressed(tmp_path: Path) -> None:
    async def scene(double: TelegramDouble, desk: Desk) -> None:
        double.message("/order buy AAPL 10")
        question = await double.said("Confirm?")
        for _ in range(10):
            double.press(question["buttons"][0]["callback_data"], message=question)
        await double.said("Done")
        await settled(double, desk)
        assert len(desk.service.requests) == 1

    played(tmp_path, scene)


def test_only_who_asked_can_confirm(tmp_path: Path) -> None:
    async def scene(double: TelegramDouble, desk: Desk) -> None:
        double.message("/order buy AAPL 10", chat=GROUP)
        question = await double.said("Confirm?")
        for other in (104, 102, 999):
            double.press(question["buttons"][0]["callback_data"], sender=other, message=question)
        await double.said("Only who gave the command")
        assert not desk.service.requests
        double.press(question["buttons"][0]["callback_data"], message=question)
        await double.said("Done")
        assert len(desk.service.requests) == 1

    played(tmp_path, scene, chats=frozenset({f"telegram:{GROUP}"}))


def test_pause_needs_two_confirmations_with_a_nonce_each(tmp_path: Path) -> None:
    async def scene(double: TelegramDouble, desk: Desk) -> None:
        double.message("/pause odd fills")
        first = await double.said("Confirm?")
        double.press(first["buttons"][0]["callback_data"], message=first)
        second = await double.said("Confirm once more")
        assert second["buttons"][0]["callback_data"] != first["buttons"][0]["callback_data"]
        assert not desk.service.requests
        double.press(first["buttons"][0]["callback_data"], message=first)
        await double.said("confirmed before")
        double.press(second["buttons"][0]["callback_data"], message=second)
        await double.said("Done")
        (made,) = desk.service.requests.values()
        assert (made["kind"], made["body"]) == ("halt", {"reason": "odd fills"})

    played(tmp_path, scene)


def test_a_cancelled_question_can_not_be_confirmed(tmp_path: Path) -> None:
    async def scene(double: TelegramDouble, desk: Desk) -> None:
        double.message("/sell AAPL 10")
        question = await double.said("Confirm?")
        double.press(question["buttons"][1]["callback_data"], message=question)
        await double.said("Cancelled")
        double.press(question["buttons"][0]["callback_data"], message=question)
        await double.said("cancelled before")
        assert not desk.service.requests

    played(tmp_path, scene)


@pytest.mark.parametrize("role", [102, 999])
def test_a_viewer_and_a_stranger_can_ask_for_nothing(tmp_path: Path, role: int) -> None:
    async def scene(double: TelegramDouble, desk: Desk) -> None:
        double.message("/order buy AAPL 10", sender=role)
        double.message("/people", sender=role)
        double.message("/whoami", sender=101)
        await double.said("telegram:101, with the role trader")
        await settled(double, desk)
        said = [one["text"] for one in double.sent if one["method"] == "sendmessage" and one["chat"] == role]
        assert len(said) == (2 if role == 102 else 1)  # a stranger is told once who they are, and nothing else
        assert all(("is for" in text) if role == 102 else ("You are telegram:999, and not known" in text) for text in said)

    played(tmp_path, scene)


def test_nobody_is_let_in_by_an_empty_list(tmp_path: Path) -> None:
    async def scene(double: TelegramDouble, desk: Desk) -> None:
        double.message("/status", sender=101)
        await double.said("not known here")
        assert not desk.service.seen

    played(tmp_path, scene, people={})


def test_in_a_group_that_is_not_named_nothing_is_told(tmp_path: Path) -> None:
    async def scene(double: TelegramDouble, desk: Desk) -> None:
        double.message("/whoami", chat=GROUP)
        await double.said(f"this one is telegram:{GROUP}")
        double.message("/whoami", sender=999, chat=GROUP)
        double.message("/whoami", sender=101)
        await double.said("with the role trader")
        assert len(double.texts(GROUP)) == 1

    played(tmp_path, scene)


def test_who_can_not_be_told_is_nobody(tmp_path: Path) -> None:
    """An anonymous administrator, a channel, a message that is only forwarded, one by way of another bot, and one for another bot."""
    origin = {"type": "user", "date": 1700000000, "sender_user": {"id": 5, "is_bot": False, "first_name": "E"}}
    channel = {"id": GROUP, "type": "supergroup", "title": "Desk"}

    async def scene(double: TelegramDouble, desk: Desk) -> None:
        double.message("/order buy AAPL 1", chat=GROUP, sender_chat=channel)
        double.message("/order buy AAPL 2", forward_origin=origin)
        double.message("/order buy AAPL 3", via_bot={"id": 6, "is_bot": True, "first_name": "B"})
        double.message("/order@another_bot buy AAPL 4")
        double.message("/order buy AAPL 5", sender=None, chat=GROUP)
        double.message("/whoami@ATS_test_bot")
        await double.said("with the role trader")
        await settled(double, desk)
        assert not [text for text in double.texts() if "Confirm?" in text]

    played(tmp_path, scene, chats=frozenset({f"telegram:{GROUP}"}))


def test_updates_that_come_again_or_in_another_order_are_run_once(tmp_path: Path) -> None:
    async def scene(double: TelegramDouble, desk: Desk) -> None:
        double.again = 3
        double.message("/order buy AAPL 1")
        double.message("/order buy MSFT 2")
        double.updates.reverse()
        await double.said("MSFT")
        await double.said("AAPL")
        async with asyncio.timeout(20):
            while double.again:
                await asyncio.sleep(0.01)
        double.message("/whoami")  # what came again was before it
        await double.said("with the role trader")
        await settled(double, desk)
        assert len([text for text in double.texts() if "Confirm?" in text]) == 2

    played(tmp_path, scene)


def test_a_command_from_before_is_not_run(tmp_path: Path) -> None:
    async def scene(double: TelegramDouble, desk: Desk) -> None:
        double.message("/pause", at=datetime.now(UTC) - timedelta(hours=3))
        await double.said("while I was away")
        assert not [text for text in double.texts() if "Confirm?" in text]

    played(tmp_path, scene)


def test_lost_connections_and_limits_are_waited_out(tmp_path: Path) -> None:
    async def scene(double: TelegramDouble, desk: Desk) -> None:
        double.fail("getUpdates", Fault("cut"), Fault("cut", before=False), Fault("nonsense"), Fault("500"), Fault("409"))
        double.fail("sendMessage", Fault("cut"), Fault("too many", seconds=1), Fault("500"))
        double.message("/whoami")
        await double.said("with the role trader", seconds=10)

    played(tmp_path, scene)


def test_what_a_killed_bot_had_taken_is_answered_by_the_next(tmp_path: Path) -> None:
    """Telegram was told that the updates came, and the process ended before the first was answered."""

    async def play() -> None:
        async with telegram_double() as double, service_double() as service:
            async with a_desk(tmp_path, service) as desk:
                front = a_front(TOKEN, desk.reception, server=double.address, poll_seconds=1, retry_seconds=0.01)
                never = asyncio.Event()
                desk.reception.line = lambda *_: never.wait()  # type: ignore[method-assign]  # it is killed in the midst of it
                task = asyncio.create_task(front.run())
                double.message("/whoami")
                while double.offsets[-1:] != [871000002]:
                    await asyncio.sleep(0.01)
                for one in {task, *front._tasks}:
                    one.cancel()
                await asyncio.gather(task, return_exceptions=True)
            assert not double.texts()
            async with a_desk(tmp_path, service) as desk, running(double, desk):
                await double.said("with the role trader")
            assert len([text for text in double.texts() if "trader" in text]) == 1

    asyncio.run(play())


def test_a_question_can_be_confirmed_after_a_restart(tmp_path: Path) -> None:
    async def play() -> None:
        async with telegram_double() as double, service_double() as service:
            async with a_desk(tmp_path, service) as desk, running(double, desk):
                double.message("/order buy AAPL 10")
                question = await double.said("Confirm?")
            async with a_desk(tmp_path, service) as desk, running(double, desk):
                double.press(question["buttons"][0]["callback_data"], message=question)
                await double.said("Done")
            assert len(service.requests) == 1

    asyncio.run(play())


def test_a_token_that_is_not_known_ends_the_bot_without_showing_it(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    other = TOKEN[:-4] + "zzzz"

    async def play() -> None:
        async with telegram_double() as double, service_double() as service, a_desk(tmp_path, service) as desk:
            await a_front(other, desk.reception, server=double.address).run()

    with caplog.at_level(logging.DEBUG), pytest.raises(BotError, match="TELEGRAM_BOT_TOKEN was revoked") as error:
        asyncio.run(play())
    assert other not in caplog.text
    assert error.value.__suppress_context__
    with pytest.raises(BotError, match="is no token of Telegram"):
        a_front("nonsense", None)  # type: ignore[arg-type]
