"""A nonce: works once, for one person, in one place, for a while, for what was asked; every step is in the audit trail."""

import asyncio
import json
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ats_assets.bots import tables
from ats_assets.bots.bot_store import BotStore
from ats_assets.bots.confirmations import Confirmations, Confirmed, NotConfirmed, OneMore, Proposal
from ats_assets.bots.inbox import Inbox
from ats_assets.errors import BotError
from ats_assets_tests.bots.desk import a_desk, service_double

NOW = datetime(2024, 3, 1, 15, 0, tzinfo=UTC)
ADA = {"person": "telegram:101", "place": "telegram:101"}
ORDER = Proposal(kind="place_order", body={"symbol": "AAPL", "side": "buy", "quantity": "10", "kind": "market"}, summary=("Buy 10 AAPL",))
HALT = Proposal(kind="halt", body={"reason": "odd"}, summary=("Stop",), steps=2)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[BotStore]:
    with BotStore(f"sqlite:///{tmp_path / 'bots.sqlite'}") as store:
        yield store


@pytest.fixture
def confirmations(store: BotStore) -> Confirmations:
    return Confirmations(store, 60)


def test_what_is_confirmed_is_what_was_asked(confirmations: Confirmations) -> None:
    nonce = confirmations.ask(ORDER, **ADA, now=NOW)
    taken = confirmations.press(nonce, **ADA, now=NOW)
    assert isinstance(taken, Confirmed)
    assert (taken.kind, taken.body, taken.summary, taken.person) == (ORDER.kind, ORDER.body, ORDER.summary, ADA["person"])


def test_the_database_does_not_hold_the_nonce(confirmations: Confirmations, store: BotStore) -> None:
    nonce = confirmations.ask(ORDER, **ADA, now=NOW)
    with store.begin() as connection:
        rows = [dict(row) for table in tables.metadata.sorted_tables for row in connection.execute(table.select()).mappings()]
    assert rows
    assert nonce not in json.dumps(rows, default=str)


@pytest.mark.parametrize("changed", [{"person": "telegram:104"}, {"place": "telegram:-100"}, {"now": NOW + timedelta(seconds=61)}])
def test_another_person_place_or_time_confirms_nothing(confirmations: Confirmations, store: BotStore, changed: dict) -> None:
    nonce = confirmations.ask(ORDER, **ADA, now=NOW)
    taken = confirmations.press(nonce, **(ADA | {"now": NOW} | changed))
    assert isinstance(taken, NotConfirmed)
    assert store.audited(1)[0]["what"] == "refused"
    again = confirmations.press(nonce, **ADA, now=NOW)
    assert isinstance(again, NotConfirmed if "now" in changed else Confirmed), "only what has expired is over"


@pytest.mark.parametrize("column", ["body", "kind", "summary", "person", "place", "steps_left", "idempotency_key", "expires_at"])
def test_what_was_changed_in_the_database_is_not_confirmed(confirmations: Confirmations, store: BotStore, column: str) -> None:
    """Whoever can write to the database, but was not given the nonce, can't change what a button does."""
    nonce = confirmations.ask(HALT, **ADA, now=NOW)
    values = {"body": {"reason": "x"}, "kind": "resume", "summary": [], "person": "telegram:104", "place": "x", "steps_left": 1}
    values |= {"idempotency_key": "k", "expires_at": NOW + timedelta(days=1)}
    with store.begin() as connection:
        connection.execute(tables.confirmations.update().values({column: values[column]}))
    who = ADA | {name: values[name] for name in ("person", "place") if name == column}
    late = NOW + timedelta(seconds=61) if column == "expires_at" else NOW
    taken = confirmations.press(nonce, **who, now=late)
    assert isinstance(taken, NotConfirmed)
    assert "changed in the database" in taken.why


def test_of_many_presses_at_once_one_confirms(database_url: str) -> None:
    """On both databases, each press over a connection of its own; and what surrounds it: revoking, marks, what is told once."""
    with BotStore(database_url) as store:
        nonce = Confirmations(store, 60).ask(ORDER, **ADA, now=NOW)
        assert store.revoke("telegram:1", by="x", now=NOW)
        assert not store.revoke("telegram:1", by="y", now=NOW)
        store.set_mark("m", {"a": 1})
        assert store.mark("m") == {"a": 1}
        store.told("telegram:1", "k", NOW)
        store.told("telegram:1", "k", NOW)
        assert store.was_told("telegram:1", "k")
        assert Inbox(store, "telegram").keep([("1", "a"), ("1", "a"), ("2", "b")], NOW) == ["1", "2"]
        next_process = Inbox(store, "telegram")
        assert next_process.keep([("2", "b")], NOW) == []
        assert next_process.left_over(NOW) == [("1", "a"), ("2", "b")]
        assert next_process.left_over(NOW) == []
    found: list[object] = []

    def press() -> None:
        with BotStore(database_url) as own:
            found.append(Confirmations(own, 60).press(nonce, **ADA, now=NOW))

    threads = [threading.Thread(target=press) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(type(one).__name__ for one in found) == ["Confirmed", *["NotConfirmed"] * 5]
    with BotStore(database_url) as store:
        again, old = Confirmations(store, 60, settle_seconds=0).unsent(NOW)
        assert ([one.kind for one in again], old) == (["place_order"], [])
        assert store.audited(1)[0]["at"] == NOW


def test_a_second_confirmation_has_a_nonce_of_its_own_and_the_same_key(confirmations: Confirmations) -> None:
    first = confirmations.ask(HALT, **ADA, now=NOW)
    more = confirmations.press(first, **ADA, now=NOW)
    assert isinstance(more, OneMore)
    assert more.nonce != first
    assert isinstance(confirmations.press(first, **ADA, now=NOW), NotConfirmed)
    assert isinstance(confirmations.press(more.nonce, **ADA, now=NOW), Confirmed)


PRESSES = st.lists(
    st.tuples(st.integers(0, 2), st.sampled_from(["press", "cancel"]), st.sampled_from([101, 104]), st.integers(0, 90)), max_size=12
)


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Confirmations]:
    """Of all rounds: each has nonces of its own."""
    with BotStore(f"sqlite:///{tmp_path_factory.mktemp('rounds') / 'bots.sqlite'}") as store:
        yield Confirmations(store, 60)


@given(PRESSES)
def test_whatever_is_pressed_in_whatever_order_each_question_is_confirmed_at_most_once(shared: Confirmations, presses: list) -> None:
    """Against a model: by its own person, before it expires, before it is cancelled."""
    nonces = [shared.ask(ORDER, **ADA, now=NOW) for _ in range(3)]
    over: set[int] = set()
    for which, verb, person, seconds in sorted(presses, key=lambda one: one[3]):
        who = {"person": f"telegram:{person}", "place": ADA["place"], "now": NOW + timedelta(seconds=seconds)}
        taken = getattr(shared, verb)(nonces[which], **who)
        fits = which not in over and person == 101 and seconds <= 60
        assert isinstance(taken, Confirmed) is (fits and verb == "press")
        if fits or (person == 101 and seconds > 60):
            over.add(which)


def test_an_answer_that_is_lost_is_asked_for_again_and_it_happens_once(tmp_path: Path) -> None:
    async def play(*faults: str) -> None:
        folder = tmp_path / "-".join(faults).replace("/", "")
        folder.mkdir()
        async with service_double() as service, a_desk(folder, service) as desk:
            path, kind = faults
            service.fail("requests" if path == "ask" else "x", kind)
            if path == "confirm":
                whole = service.handle
                cut = iter([kind])

                async def handle(request):  # the first confirmation goes wrong
                    if request.path.endswith("/confirm") and (fault := next(cut, None)):
                        service.fail(request.path.removeprefix("/api/v1/"), fault)
                    return await whole(request)

                service.inner = handle
            confirmations = desk.reception.confirmations
            nonce = confirmations.ask(ORDER, **ADA, now=datetime.now(UTC))
            confirmed = confirmations.press(nonce, **ADA, now=datetime.now(UTC))
            assert isinstance(confirmed, Confirmed)
            reply = await desk.reception.sender.send(confirmed)
            assert reply.title == "Not known yet"
            ((_, told),) = await desk.reception.sender.look_after()
            assert told.title == "Done"
            assert len(service.requests) == 1
            assert not await desk.reception.sender.look_after()

    for path in ("ask", "confirm"):
        for kind in ("before", "after", "500"):
            asyncio.run(play(path, kind))


def test_what_got_through_nowhere_for_too_long_is_given_up_and_told(tmp_path: Path) -> None:
    async def play() -> None:
        async with service_double() as service, a_desk(tmp_path, service) as desk:
            confirmations = desk.reception.confirmations
            then = datetime.now(UTC) - timedelta(seconds=200)
            nonce = confirmations.ask(ORDER, **ADA, now=then)
            assert isinstance(confirmations.press(nonce, **ADA, now=then), Confirmed)
            ((_, told),) = await desk.reception.sender.look_after()
            assert told.title == "Given up"
            assert not service.requests
            assert not await desk.reception.sender.look_after()

    asyncio.run(play())


def test_a_late_executor_s_outcome_is_told_later(tmp_path: Path) -> None:
    async def play() -> None:
        async with service_double() as service, a_desk(tmp_path, service) as desk:
            service.takes_up = False
            desk.reception.sender.wait_seconds = 0.0
            confirmations = desk.reception.confirmations
            confirmed = confirmations.press(confirmations.ask(ORDER, **ADA, now=datetime.now(UTC)), **ADA, now=datetime.now(UTC))
            assert isinstance(confirmed, Confirmed)
            assert (await desk.reception.sender.send(confirmed)).title == "Asked for"
            assert not await desk.reception.sender.look_after()
            service.takes_up = True
            ((one, told),) = await desk.reception.sender.look_after()
            assert (one.person, told.title) == (ADA["person"], "Done")

    asyncio.run(play())


def test_a_refusal_of_the_service_is_told_in_its_words(tmp_path: Path) -> None:
    async def play() -> None:
        async with service_double() as service, a_desk(tmp_path, service) as desk:
            service.fail("requests", "403")
            confirmations = desk.reception.confirmations
            confirmed = confirmations.press(confirmations.ask(ORDER, **ADA, now=datetime.now(UTC)), **ADA, now=datetime.now(UTC))
            assert isinstance(confirmed, Confirmed)
            reply = await desk.reception.sender.send(confirmed)
            assert (reply.title, reply.lines[-1]) == ("Refused", "the trade state is locked. Ask again")

    asyncio.run(play())


@pytest.mark.parametrize("address", ["sqlite://", "sqlite:///:memory:", "mysql://a@b/c", "nonsense"])
def test_a_database_that_is_none_is_an_error(address: str) -> None:
    with pytest.raises(BotError, match="sqlite:///path"):
        BotStore(address)


def test_a_database_that_is_locked_is_an_error_in_plain_words(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ats_assets.bots.bot_store.BUSY_SECONDS", 0)
    address = f"sqlite:///{tmp_path / 'bots.sqlite'}"
    with BotStore(address) as one, BotStore(address) as other, one.begin(), pytest.raises(BotError, match="try again in a minute"):
        other.note(NOW, "a", "b", "c")
