"""Requests are written once, confirmed once by who asked, and taken up once; on SQLite and PostgreSQL."""

import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ats_assets.requests import (
    KINDS,
    Asker,
    BodyRefusedError,
    ConfirmationError,
    IdempotencyConflictError,
    MadeRequest,
    NotAllowedError,
    RequestError,
    RequestExpiredError,
    RequestKind,
    RequestState,
    TooManyRequestsError,
    UnknownKindError,
    UnknownRequestError,
    confirm_request,
    load_request,
    make_request,
    requests_page,
)
from ats_assets.requests.taking_up import asked_halts, due_requests, expire_requests, finish_request, refuse_request, take_up_request
from ats_assets.settings import RequestsSettings
from ats_assets.trade_state import TradeState, tables
from ats_assets_tests.rounds import rounds

NOW = datetime(2024, 3, 4, 15, tzinfo=UTC)
ANN, BOT = Asker(key="ann", role="trade"), Asker(key="bots", role="trade", on_behalf_of="telegram:7")
ROOT = Asker(key="root", role="admin")
SETTINGS = RequestsSettings()
ORDER = {"symbol": "AAPL", "side": "buy", "quantity": "10"}
BODIES: dict[RequestKind, dict[str, Any]] = {
    RequestKind.HALT: {"reason": "odd prices"},
    RequestKind.RESUME: {"note": "prices are right again"},
    RequestKind.PLACE_ORDER: ORDER,
    RequestKind.CANCEL_ORDER: {"client_order_id": "main-20240301-AAPL-open"},
    RequestKind.PROMOTE: {"model": "forest", "reason": "better"},
    RequestKind.ROLLBACK: {"reason": "worse"},
}


@pytest.fixture
def state(database_url: str) -> Iterator[TradeState]:
    with TradeState(database_url) as state:
        yield state


def asked(
    state: TradeState, who: Asker = ANN, kind: str = "place_order", body: Any = ORDER, at: datetime = NOW, **more: Any
) -> MadeRequest:
    with state.begin() as connection:
        return make_request(connection, at, who, kind, body, **{"settings": SETTINGS, **more})


def confirmed(state: TradeState, one: MadeRequest, who: Asker = ANN, at: datetime = NOW, nonce: str | None = None) -> Any:
    with state.begin() as connection:
        return confirm_request(connection, at, who, one.request.id, nonce or one.nonce or "", settings=SETTINGS)


def told(state: TradeState) -> list[tuple[str, str]]:
    with state.begin() as connection:
        return [(row.who, row.what) for row in connection.execute(tables.audit.select().order_by(tables.audit.c.id))]


def test_each_kind_has_a_role_and_a_body_and_what_sends_or_decides_is_confirmed(state: TradeState) -> None:
    assert set(KINDS) == set(RequestKind) == set(BODIES)
    for kind, terms in KINDS.items():
        one = asked(state, ROOT, kind.value, BODIES[kind])
        assert (one.nonce is not None) is terms.confirmed is (kind is not RequestKind.HALT)
        lower = Asker(key="low", role={"trade": "read", "admin": "trade"}[terms.role])
        with pytest.raises(NotAllowedError, match=f"needs the role {terms.role}"):
            asked(state, lower, kind.value, BODIES[kind])


def test_a_request_goes_its_way_and_the_audit_trail_says_who(state: TradeState) -> None:
    one = asked(state, BOT)
    assert (one.request.state, one.request.client_order_id) == (RequestState.ASKED, f"manual-{one.request.id}")
    with state.begin() as connection:
        assert due_requests(connection) == []  # nobody has confirmed it
    assert confirmed(state, one, BOT).state is RequestState.CONFIRMED
    with state.begin() as connection:
        (due,) = due_requests(connection)
        taken = take_up_request(connection, NOW, "desk", due, 7)
        finish_request(connection, NOW, "desk", taken, {"state": "accepted"})
    with state.begin() as connection:
        done = load_request(connection, one.request.id)
    assert (done.state, done.result, done.finished_at) == (RequestState.DONE, {"state": "accepted"}, NOW)
    person = "bots on behalf of telegram:7"
    assert told(state) == [
        (person, "request asked"),
        (person, "request confirmed"),
        ("desk", "request taken up"),
        ("desk", "request done"),
    ]


def test_confirmed_twice_it_is_confirmed_once(state: TradeState) -> None:
    one = asked(state)
    confirmed(state, one)
    with pytest.raises(ConfirmationError, match="is confirmed already"):
        confirmed(state, one)
    with state.begin() as connection:
        assert len(due_requests(connection)) == 1


def test_confirmed_by_many_at_once_it_is_confirmed_once(database_url: str, state: TradeState) -> None:
    one, outcomes = asked(state), list[str]()

    def work() -> None:
        with TradeState(database_url) as own:
            try:
                confirmed(own, one)
                outcomes.append("confirmed")
            except ConfirmationError:
                outcomes.append("refused")

    threads = [threading.Thread(target=work) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == ["confirmed"] + ["refused"] * 5
    assert told(state).count(("ann", "request confirmed")) == 1


def test_a_nonce_confirms_its_own_request_for_its_own_asker_before_it_expires(state: TradeState) -> None:
    one, other = asked(state), asked(state)
    with pytest.raises(ConfirmationError, match="does not confirm"):
        confirmed(state, one, nonce=other.nonce)
    for stranger in (ROOT, Asker(key="ann", role="trade", on_behalf_of="telegram:8")):
        with pytest.raises(NotAllowedError, match="asked for by ann, who alone can confirm"):
            confirmed(state, one, stranger)
    with pytest.raises(NotAllowedError, match="needs the role trade"):
        confirmed(state, one, Asker(key="ann", role="read"))  # the role was taken away meanwhile
    with pytest.raises(RequestExpiredError, match="was to be confirmed by 15:02:00 UTC"):
        confirmed(state, one, at=NOW + timedelta(seconds=120))
    assert confirmed(state, other, at=NOW + timedelta(seconds=119)).state is RequestState.CONFIRMED
    with pytest.raises(UnknownRequestError), state.begin() as connection:
        confirm_request(connection, NOW, ANN, "nothing", "x", settings=SETTINGS)


def test_the_nonce_is_nowhere_in_the_database(state: TradeState) -> None:
    one = asked(state)
    with state.begin() as connection:
        rows = [str(row) for table in (tables.requests, tables.audit) for row in connection.execute(table.select())]
    assert one.nonce
    assert not [row for row in rows if one.nonce in row]


class TestIdempotency:
    def test_asked_again_it_is_the_same_with_a_new_nonce_and_the_old_one_is_void(self, state: TradeState) -> None:
        first = asked(state, idempotency_key="k")
        again = asked(state, idempotency_key="k")
        assert (again.request.id, again.is_new) == (first.request.id, False)
        assert again.nonce not in (None, first.nonce)
        with pytest.raises(ConfirmationError):
            confirmed(state, first)
        confirmed(state, again)
        after = asked(state, idempotency_key="k", at=NOW + timedelta(days=1))
        assert (after.request.id, after.request.state, after.nonce) == (first.request.id, RequestState.CONFIRMED, None)

    def test_another_request_under_the_key_is_a_conflict_and_anothers_key_is_free(self, state: TradeState) -> None:
        one = asked(state, idempotency_key="k")
        for body, kind in ((ORDER | {"quantity": "11"}, "place_order"), (BODIES[RequestKind.HALT], "halt")):
            with pytest.raises(IdempotencyConflictError, match=one.request.id):
                asked(state, kind=kind, body=body, idempotency_key="k")
        assert asked(state, BOT, idempotency_key="k").request.id != one.request.id
        assert asked(state, idempotency_key="other").request.id != one.request.id

    def test_by_many_at_once_it_is_one_request(self, database_url: str, state: TradeState) -> None:
        found: list[str] = []

        def work() -> None:
            with TradeState(database_url) as own:
                found.append(asked(own, idempotency_key="k").request.id)

        threads = [threading.Thread(target=work) for _ in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert (len(found), len(set(found))) == (6, 1)
        with state.begin() as connection:
            assert len(requests_page(connection)) == 1


def test_what_nobody_confirms_or_takes_up_expires_and_a_halt_waits(state: TradeState) -> None:
    waits, stands, halt = asked(state), asked(state), asked(state, kind="halt", body={"reason": "now"})
    confirmed(state, stands)
    with state.begin() as connection:
        assert expire_requests(connection, NOW + timedelta(seconds=119), "desk") == []
        assert [one.id for one in expire_requests(connection, NOW + timedelta(seconds=120), "desk")] == [waits.request.id]
        late = expire_requests(connection, NOW + timedelta(days=30), "desk")
        assert [one.id for one in late] == [stands.request.id]
        assert "it was not taken up (no desk was at work)" in (load_request(connection, stands.request.id).reason or "")
        assert [one.id for one in asked_halts(connection)] == [halt.request.id]
        assert due_requests(connection) == []


def test_what_is_under_way_does_not_expire_and_is_not_taken_twice(state: TradeState) -> None:
    one = asked(state)
    request = confirmed(state, one)
    with state.begin() as connection:
        taken = take_up_request(connection, NOW, "desk", request, 1)
    with pytest.raises(RequestError, match="another desk"), state.begin() as connection:
        take_up_request(connection, NOW, "other", request, 2)
    with state.begin() as connection:
        assert expire_requests(connection, NOW + timedelta(days=1), "desk") == []
        refuse_request(connection, NOW, "desk", taken, "too large")
    with pytest.raises(RequestError, match="another desk"), state.begin() as connection:
        finish_request(connection, NOW, "other", taken, {})


def test_a_key_has_so_many_requests_at_a_time(state: TradeState) -> None:
    few = RequestsSettings(most_open=2)
    for _ in range(2):
        asked(state, settings=few)
    with pytest.raises(TooManyRequestsError, match="2 requests of ann stand"):
        asked(state, settings=few)
    asked(state, BOT, settings=few)
    with state.begin() as connection:
        expire_requests(connection, NOW + timedelta(hours=1), "desk")
    asked(state, settings=few)


def test_a_halt_is_taken_however_much_stands(state: TradeState) -> None:
    """It was refused like any other: who shares a key with many, as people of bots do, could not stop trading."""
    few = RequestsSettings(most_open=1)
    asked(state, settings=few)
    for _ in range(3):
        assert asked(state, kind="halt", body={"reason": "odd prices"}, settings=few).request.state is RequestState.CONFIRMED
    with pytest.raises(TooManyRequestsError):
        asked(state, settings=few)


def test_what_has_expired_takes_no_room_though_no_desk_is_there_to_say_so(state: TradeState) -> None:
    """Without a desk, requests that nobody confirmed took the room of all later ones for ever."""
    few = RequestsSettings(most_open=2)
    confirmed(state, asked(state, settings=few))
    asked(state, settings=few)
    with pytest.raises(TooManyRequestsError):
        asked(state, settings=few, at=NOW + timedelta(seconds=119))
    asked(state, settings=few, at=NOW + timedelta(seconds=121))  # the other one is confirmed, and stands
    with pytest.raises(TooManyRequestsError):
        asked(state, settings=few, at=NOW + timedelta(seconds=122))
    for _ in range(2):
        asked(state, settings=few, at=NOW + timedelta(hours=2))


@pytest.mark.parametrize(
    ("kind", "body", "said"),
    [
        ("place_order", {}, "symbol: Field required"),
        ("place_order", ORDER | {"quantity": "0"}, "quantity: Input should be greater than 0"),
        ("place_order", ORDER | {"quantity": 1.5}, "give 1.5 as a text"),
        ("place_order", ORDER | {"quantity": "NaN"}, "quantity"),
        ("place_order", ORDER | {"quantity": "1e30"}, "quantity"),
        ("place_order", ORDER | {"symbol": "aapl; DROP"}, "symbol"),
        ("place_order", ORDER | {"kind": "limit"}, "a limit order has a limit_price"),
        ("place_order", ORDER | {"limit_price": "5"}, "a limit order has a limit_price"),
        ("place_order", ORDER | {"live": True}, "live: Extra inputs"),
        ("halt", {"reason": " \n "}, "reason"),
        ("promote", {"model": "../x", "reason": "y"}, "model"),
    ],
)
def test_a_body_that_is_wrong_is_refused_with_the_field(state: TradeState, kind: str, body: dict[str, Any], said: str) -> None:
    with pytest.raises(BodyRefusedError) as caught:
        asked(state, ROOT, kind, body)
    assert said in str(caught.value)
    assert told(state) == []
    with pytest.raises(UnknownKindError, match="choose one of halt, resume, place_order"):
        asked(state, kind="buy_everything")


def test_a_text_that_would_hide_others_is_one_plain_line(state: TradeState) -> None:
    one = asked(state, kind="halt", body={"reason": "odd\x1b[2J\nprices\u202e"})
    assert one.request.body == {"reason": "odd [2J prices"}


def test_pages_go_on_where_the_last_ended(state: TradeState) -> None:
    made = [asked(state, at=NOW + timedelta(seconds=i // 2)).request.id for i in range(7)]
    found: list[str] = []
    before = None
    with state.begin() as connection:
        while page := requests_page(connection, most=3, before=before):
            found += [one.id for one in page]
            before = (page[-1].asked_at, page[-1].id)
        assert requests_page(connection, states=[RequestState.DONE]) == []
        assert requests_page(connection, asked_by="root") == []
    assert sorted(found) == sorted(made)
    assert len(found) == 7


STEPS = st.lists(
    st.tuples(st.sampled_from(["ask", "confirm", "wrong", "take", "finish", "refuse", "expire"]), st.integers(0, 200)), max_size=25
)


@settings(max_examples=rounds(20, 400), suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(STEPS)
def test_whatever_comes_in_whatever_order_a_request_is_taken_once_and_only_after_its_confirmation(database_url: str, steps: Any) -> None:
    """Against a model that has nothing but a set of what was confirmed in time."""
    at, one, good, taken, ended = NOW, None, False, 0, False
    with TradeState(database_url) as state:
        for step, seconds in steps:
            at += timedelta(seconds=seconds)
            if step == "ask":
                one = one or asked(state, at=at, settings=RequestsSettings(most_open=100_000))
                continue
            if one is None:
                continue
            try:
                with state.begin() as connection:
                    known = load_request(connection, one.request.id)
                    if step in ("confirm", "wrong"):
                        confirm_request(connection, at, ANN, known.id, (one.nonce or "") if step == "confirm" else "x", settings=SETTINGS)
                        assert step == "confirm"
                        assert at < one.request.asked_at + timedelta(seconds=120)
                        assert not good
                        good = True
                    elif step == "take":
                        take_up_request(connection, at, "desk", known, 1)
                        taken += 1
                    elif step == "expire":
                        ended = ended or known.id in {gone.id for gone in expire_requests(connection, at, "desk")}
                    elif known.state is RequestState.TAKEN:
                        end = finish_request if step == "finish" else refuse_request
                        end(connection, at, "desk", known, {} if step == "finish" else "no")  # pyright: ignore[reportArgumentType]
                        ended = True
            except RequestError:
                continue
            assert taken <= 1
            assert good or not taken
        if one is not None:
            with state.begin() as connection:
                assert load_request(connection, one.request.id).state.final is ended
