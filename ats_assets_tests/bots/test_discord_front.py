"""The Discord bot, by discord.py itself, against a double of REST and gateway: what people see, and what happens when connections and processes end."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from ats_assets.bots.catalogue import catalogue, commands_there
from ats_assets.bots.discord_front import DiscordFront
from ats_assets.bots.reply import said
from ats_assets.errors import BotError
from ats_assets_tests.bots.desk import Desk, a_desk, service_double
from ats_assets_tests.bots.discord_double import CHANNEL, TOKEN, DiscordDouble, discord_double


@contextlib.asynccontextmanager
async def running(double: DiscordDouble, desk: Desk) -> AsyncIterator[DiscordFront]:
    """The front, listening."""
    front = DiscordFront(TOKEN, desk.reception, connector=double.connector, retry_seconds=0.01)
    task = asyncio.create_task(front.run())
    try:
        begun = asyncio.create_task(double.connected(double.identified + len(double.resumed) + 1))
        await asyncio.wait({begun, task}, return_when=asyncio.FIRST_COMPLETED)
        if task.done():
            begun.cancel()
            task.result()
        await begun
        yield front
    finally:
        await front.stop()
        await task


def played(tmp_path: Path, scene: Callable[[DiscordDouble, Desk], Awaitable[None]], **options: object) -> None:
    """Play a scene with one process of the bot."""

    async def play() -> None:
        async with (
            discord_double() as double,
            service_double() as service,
            a_desk(tmp_path, service, **options) as desk,
            running(double, desk),
        ):
            await scene(double, desk)

    asyncio.run(play())


def test_each_command_is_a_slash_command_and_is_sent_once(tmp_path: Path) -> None:
    async def play() -> None:
        async with discord_double() as double, service_double() as service:
            async with a_desk(tmp_path, service) as desk, running(double, desk):
                assert {one["name"] for one in double.commands["everywhere"]} == commands_there(catalogue(), plans=False).keys()
                order = next(one for one in double.commands["everywhere"] if one["name"] == "order")
                assert [(one["name"], one.get("required", False)) for one in order["options"]] == [
                    ("side", True),
                    ("symbol", True),
                    ("quantity", True),
                    ("limit", False),
                ]
                assert [choice["value"] for choice in order["options"][0]["choices"]] == ["buy", "sell"]
            double.commands.clear()
            async with a_desk(tmp_path, service) as desk, running(double, desk):
                assert not double.commands

    asyncio.run(play())


def test_an_order_is_asked_for_confirmed_and_seen_done(tmp_path: Path) -> None:
    async def scene(double: DiscordDouble, desk: Desk) -> None:
        await double.command("order", side="buy", symbol="aapl", quantity="10")
        question = await double.said("Confirm?")
        assert "Buy 10 AAPL" in question["text"]
        for _ in range(3):
            await double.press(question["buttons"][0]["custom_id"], message=question["message"])
        done = await double.said("Done")
        assert done["how"] == "edit"
        assert not done["buttons"]
        await double.until(lambda: len(double.acknowledged) == 4)
        (made,) = desk.service.requests.values()
        assert made["on_behalf_of"] == "discord:101"

    played(tmp_path, scene)


def test_what_is_told_on_a_server_is_for_who_asked_alone_unless_the_channel_is_named(tmp_path: Path) -> None:
    async def told(double: DiscordDouble, desk: Desk) -> None:
        await double.command("whoami", guild=True)
        assert (await double.said("role trader"))["private"] is not (f"discord:{CHANNEL}" in desk.reception.chats)

    played(tmp_path, told)
    played(tmp_path, told, chats=frozenset({f"discord:{CHANNEL}"}))


def test_roles_hold_and_a_stranger_is_told_once_who_they_are(tmp_path: Path) -> None:
    async def scene(double: DiscordDouble, desk: Desk) -> None:
        await double.command("order", side="buy", symbol="AAPL", quantity="10", sender=102)
        await double.said("is for traders")
        for _ in range(2):
            await double.command("people", sender=999)
        await double.said("discord:999")
        question = await _question(double)
        await double.press(question["buttons"][0]["custom_id"], sender=104, message=question["message"])
        await double.said("Only who gave the command")
        assert not desk.service.requests

    played(tmp_path, scene)


async def _question(double: DiscordDouble) -> dict[str, object]:
    await double.command("order", side="buy", symbol="AAPL", quantity="10")
    return await double.said("Confirm?")


def test_a_connection_that_is_lost_is_resumed_and_nothing_is_lost_or_run_twice(tmp_path: Path) -> None:
    async def scene(double: DiscordDouble, desk: Desk) -> None:
        first = await double.command("whoami")
        await double.said("role trader")
        transport = double.connections[-1].socket._req.transport  # type: ignore[union-attr]
        transport.abort()  # type: ignore[union-attr]
        second = await double.command("order", side="buy", symbol="AAPL", quantity="10")  # while nobody is there
        await double.connected(2)
        await double.said("Confirm?")
        assert double.identified == 1
        await double.dispatch("INTERACTION_CREATE", first)  # what a resume may bring again
        await double.dispatch("INTERACTION_CREATE", second)
        await double.command("version")
        await double.said("ats-assets")
        assert double.acknowledged.count(first["id"]) == double.acknowledged.count(second["id"]) == 1
        await double.connections[-1].send(7)  # asked to come back
        await double.connected(3)

    played(tmp_path, scene)


def test_what_discord_has_given_up_is_not_done(tmp_path: Path) -> None:
    async def scene(double: DiscordDouble, desk: Desk) -> None:
        question = await _question(double)
        double.gives_up = _Everything()  # type: ignore[assignment]
        await double.press(question["buttons"][0]["custom_id"], message=question["message"])
        await double.until(lambda: double.late == 1)
        assert not desk.service.requests
        double.gives_up = set()
        await double.press(question["buttons"][0]["custom_id"], message=question["message"])
        await double.said("Done")

    played(tmp_path, scene)


class _Everything(set[str]):
    def __contains__(self, _: object) -> bool:
        return True


def test_an_old_command_is_not_run(tmp_path: Path) -> None:
    async def scene(double: DiscordDouble, desk: Desk) -> None:
        await double.command("pause", at=datetime.now(UTC) - timedelta(hours=1))
        await double.said("while I was away")

    played(tmp_path, scene)


def test_a_button_works_after_a_restart_and_people_are_told_in_private(tmp_path: Path) -> None:
    async def play() -> None:
        async with discord_double() as double, service_double() as service:
            async with a_desk(tmp_path, service) as desk, running(double, desk):
                question = await _question(double)
            async with a_desk(tmp_path, service) as desk, running(double, desk) as front:
                await double.press(question["buttons"][0]["custom_id"], message=question["message"])
                await double.said("Done")
                await front._client.wait_until_ready()  # type: ignore[union-attr]
                await front.tell("discord:101", said("WARNING: late data", "of <@&1> and @everyone"))
                assert (await double.said("late data"))["how"] == "direct"

    asyncio.run(play())


@pytest.mark.parametrize("where", ["rest", "gateway"])
def test_a_token_that_is_not_taken_ends_the_bot_without_showing_it(tmp_path: Path, where: str, caplog: pytest.LogCaptureFixture) -> None:
    async def play() -> None:
        async with discord_double() as double, service_double() as service, a_desk(tmp_path, service) as desk:
            double.refuses_token = where == "rest"
            front = DiscordFront(TOKEN, desk.reception, connector=double.connector)
            if where == "gateway":
                double._identify = _refused  # type: ignore[method-assign]
            await front.run()

    with caplog.at_level("DEBUG"), pytest.raises(BotError, match="DISCORD_BOT_TOKEN was reset") as error:
        asyncio.run(play())
    assert TOKEN not in caplog.text
    assert TOKEN not in str(error.value)


async def _refused(one: object, _: object) -> None:
    await one.socket.close(code=4004)  # type: ignore[attr-defined]


def test_a_network_that_is_gone_is_waited_for(tmp_path: Path) -> None:
    async def play() -> None:
        async with discord_double() as double, service_double() as service, a_desk(tmp_path, service) as desk:
            port, double.port = double.port, 1
            front = DiscordFront(TOKEN, desk.reception, connector=double.connector, retry_seconds=0.01)
            task = asyncio.create_task(front.run())
            await asyncio.sleep(0.2)
            double.port = port
            await double.connected()
            await front.stop()
            await task

    asyncio.run(play())
