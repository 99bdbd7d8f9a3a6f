"""The trade state finds its orders again, and holds no secret, though a secret has the letters of an id."""

from dataclasses import replace
from decimal import Decimal

import pytest

from ats_assets.execution.order import EntryKind
from ats_assets.trade_state import TradeState, record, tables
from ats_assets_tests.execution.exchange import EVENING, SESSION, Bench, Network, intent
from ats_assets_tests.execution.test_reconciliation import entry

NAME = "main-20240301-AAA-open"


@pytest.fixture(autouse=True)
def cache_key(monkeypatch: pytest.MonkeyPatch) -> None:
    """A secret by its name and by its looks, which is the session's date as well."""
    monkeypatch.setenv("CACHE_KEY", "20240301")
    monkeypatch.setenv("APCA_API_SECRET_KEY", "S3cretValueOfAlpaca")


def test_the_records_keep_its_keys(bench: Bench) -> None:
    """An order was stored as main-***-AAA-open, was found nowhere under its id, and nothing was sent any more."""
    bench.broker.network = [Network.ANSWER_LOST]
    assert bench.execute([intent("AAA")]).stopped is None
    assert bench.states() == {NAME: "accepted"}
    assert bench.exchange.counts() == {NAME: 1}
    bench.exchange.open()
    assert bench.reconcile() == []
    with TradeState(bench.url) as state, state.begin() as connection:
        assert connection.execute(tables.fills.select()).one().client_order_id == NAME
        told = connection.execute(tables.audit.select().where(tables.audit.c.what == "planned")).one()
    assert (told.client_order_id, told.details["session"]) == (NAME, str(SESSION))


def test_the_records_hold_no_secret_in_its_texts(bench: Bench) -> None:
    said = "forbidden: S3cretValueOfAlpaca"
    bench.exchange.rejects["AAA"] = said
    bench.execute([intent("AAA")])
    bench.exchange.booked.append(replace(entry(bench, EntryKind.FEE, "-1"), description=said))
    assert [one.kind for one in bench.reconcile()] == ["cash"]
    with bench.executor() as executor:
        executor.resume("me", said, accept=True)
    with TradeState(bench.url) as state, state.begin() as connection:
        record(connection, EVENING, "me", "asked", details={"quantity": Decimal(1)}, texts={"said": said, "more": None})
        everything = [str(tuple(row)) for table in tables.metadata.sorted_tables for row in connection.execute(table.select())]
        reason = connection.execute(tables.intents.select()).one().reason
    assert reason == "forbidden: ***"
    assert len([row for row in everything if "forbidden: ***" in row]) >= 5
    assert not [row for row in everything if "S3cretValue" in row]
