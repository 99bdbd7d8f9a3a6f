"""Who is who: deny by default, roles from settings alone, taken away at once."""

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from ats_assets.bots.bot_store import BotStore
from ats_assets.bots.catalogue import catalogue
from ats_assets.bots.people import People, PersonRole
from ats_assets.bots.reception import Incoming
from ats_assets.errors import SettingsError
from ats_assets_tests.bots.desk import PEOPLE, a_desk, service_double

NOW = datetime(2024, 3, 1, 15, 0, tzinfo=UTC)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[BotStore]:
    with BotStore(f"sqlite:///{tmp_path / 'bots.sqlite'}") as store:
        yield store


def test_an_empty_list_means_nobody(store: BotStore) -> None:
    people = People({}, store)
    assert people.find("telegram:1") is None
    assert people.find("") is None


def test_an_id_is_one_front_s(store: BotStore) -> None:
    people = People({"telegram:101": ("admin", "")}, store)
    assert people.find("telegram:101") is not None
    assert not [other for other in ("discord:101", "telegram:0101", "telegram:101 ", "101", "TELEGRAM:101") if people.find(other)]


@pytest.mark.parametrize("id_", ["101", "telegram:", "telegram:0", "telegram:-5", "slack:5", "telegram:abc", "telegram:*"])
def test_what_is_no_id_is_refused(store: BotStore, id_: str) -> None:
    with pytest.raises(SettingsError, match="nobody's id"):
        People({id_: ("viewer", "")}, store)


def test_an_unknown_role_is_refused(store: BotStore) -> None:
    with pytest.raises(SettingsError, match="viewer, trader, admin"):
        People({"telegram:1": ("root", "")}, store)


def test_who_is_revoked_is_nobody_until_the_command_line_says_otherwise(store: BotStore) -> None:
    people = People({"telegram:101": ("trader", "Ada")}, store)
    assert people.revoke("telegram:101", by="telegram:103", now=NOW)
    assert not people.revoke("telegram:101", by="telegram:103", now=NOW)
    assert people.find("telegram:101") is None
    assert [(person.id, revoked) for person, revoked in people.listed()] == [("telegram:101", True)]
    assert people.restore("telegram:101", by="cli:root", now=NOW)
    assert people.find("telegram:101") is not None
    assert [(row["what"], row["person"], row["text"]) for row in store.audited(5)] == [
        ("restored", "cli:root", "telegram:101"),
        ("revoked", "telegram:103", "telegram:101"),
    ]


def test_each_command_is_refused_to_each_role_below_its_own_and_to_nobody_else(tmp_path: Path) -> None:
    """A command that is let through may fail for other reasons; it is not refused for the role."""
    ids = {PersonRole[role.upper()]: id_ for id_, (role, _) in PEOPLE.items() if id_.startswith("telegram:") and not id_.endswith("104")}

    async def play() -> None:
        async with service_double() as service, a_desk(tmp_path, service, per_minute=1000) as desk:
            for command in catalogue().values():
                for role, id_ in ids.items():
                    given = {
                        one.name: {"choice": one.choices[:1], "day": ["2024-03-01"], "count": ["1"], "amount": ["1"]}.get(one.kind, ["X"])[
                            0
                        ]
                        for one in command.arguments
                        if one.required
                    }
                    incoming = Incoming(sender=id_, place=id_, private=True, at=datetime.now(UTC))
                    reply = await desk.reception.command(incoming, command.name, given)
                    assert reply is not None
                    assert any(f"is for {command.role.word}s" in line for line in reply.lines) is (role < command.role), (
                        command.name,
                        role,
                    )
                stranger = Incoming(sender="telegram:999", place="telegram:-1", private=False, at=datetime.now(UTC))
                assert await desk.reception.command(stranger, command.name, {}) is None

    asyncio.run(play())


def test_who_is_revoked_between_question_and_button_confirms_nothing(tmp_path: Path) -> None:
    async def play() -> None:
        async with service_double() as service, a_desk(tmp_path, service) as desk:
            incoming = Incoming(sender="telegram:101", place="telegram:101", private=True, at=datetime.now(UTC))
            question = await desk.reception.line(incoming, "order", "buy AAPL 10")
            assert question is not None
            admin = Incoming(sender="telegram:103", place="telegram:103", private=True, at=datetime.now(UTC))
            await desk.reception.line(admin, "revoke", "telegram:101")
            reply = await desk.reception.button(incoming, question.buttons[0].data)
            assert reply is not None
            assert "not known here" in reply.lines[0]
            assert not service.requests

    asyncio.run(play())


def test_who_gives_too_many_commands_is_slowed_down_and_nobody_else(tmp_path: Path) -> None:
    now = NOW

    async def play() -> None:
        nonlocal now
        async with service_double() as service, a_desk(tmp_path, service, per_minute=3, clock=lambda: now) as desk:

            async def title(number: int) -> str:
                reply = await desk.reception.line(
                    Incoming(sender=f"telegram:{number}", place=f"telegram:{number}", private=True, at=now), "whoami", ""
                )
                assert reply is not None
                return reply.title

            assert [await title(101) for _ in range(4)] == ["Ada", "Ada", "Ada", "Slowly"]
            assert await title(102) == "Vic"
            now += timedelta(seconds=61)
            assert await title(101) == "Ada"

    asyncio.run(play())


def test_a_fault_inside_a_command_is_told_by_a_number_and_not_by_its_text(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    async def play() -> None:
        async with service_double() as service, a_desk(tmp_path, service) as desk:

            async def fail(*_: object, **__: object) -> None:
                raise KeyError("the inside of the machine")

            desk.reception.service.read = fail  # type: ignore[method-assign,assignment]
            incoming = Incoming(sender="telegram:101", place="telegram:101", private=True, at=datetime.now(UTC))
            reply = await desk.reception.line(incoming, "balance", "")
            assert reply is not None
            assert "machine" not in str(reply)
            assert reply.lines[0].split()[-1].rstrip(".") in caplog.text

    asyncio.run(play())
