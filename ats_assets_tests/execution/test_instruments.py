"""An order is for an instrument, whatever it is called: plans, intents, fills and exits carry its id across changes of name, and across an older database."""

from contextlib import suppress
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal

import polars as pl
import pytest
from sqlalchemy import Engine, create_engine, text

import ats_assets.brokers.paper.tables  # noqa: F401  -- its tables stand in the same database, whatever else this process has imported
from ats_assets.corporate_actions.identity import Identities
from ats_assets.execution import state as states
from ats_assets.execution.order import Fill, Leg, OrderKind, Position, Side
from ats_assets.orders.broker_frames import fills_frame, positions_frame
from ats_assets.orders.order_plan import intents_of, order_plan
from ats_assets.orders.schema import ACCOUNT_SCHEMA, INSTRUMENTS_SCHEMA, ORDER_PLAN_SCHEMA, POSITIONS_SCHEMA
from ats_assets.settings import OrdersSettings, PortfolioSettings
from ats_assets.trade_state import TradeState, tables
from ats_assets_tests.execution.exchange import NEXT, PLAN, SESSION, Bench, Killed, Network, Points, forget_opened, intent
from ats_assets_tests.execution.test_names import changes, rename, settle
from ats_assets_tests.execution.test_state import AUTHOR

CHANGED, BEFORE, LATER = date(2022, 6, 9), date(2022, 6, 8), date(2022, 9, 1)
META = Identities(changes((CHANGED, "FB", "META")), "alpaca")
AT = datetime(2022, 6, 9, 13, 30, tzinfo=UTC)


def plan(session: date, symbol: str) -> pl.DataFrame:
    """Half of 10,000 in one symbol at 100."""
    return order_plan(
        session,
        targets=pl.DataFrame({"symbol": [symbol], "target_weight": [0.5]}),
        bars=pl.DataFrame({"symbol": [symbol], "close": [100.0], "volume": [1.0]}),
        positions=POSITIONS_SCHEMA.to_frame(),
        account=pl.DataFrame([(session, "paper", "a", 1e4, 1e4, 1e4, False, None, None)], schema=ACCOUNT_SCHEMA, orient="row"),
        instruments=pl.DataFrame(
            [(session, symbol, True, True, True, None, True, 1.0, None, None, None)], schema=INSTRUMENTS_SCHEMA, orient="row"
        ),
        portfolio=PortfolioSettings(max_weight=1),
        orders=OrdersSettings(),
        fractional=False,
        known=META,
    )


@pytest.mark.parametrize("called", ["FB", "META"])
def test_a_plan_under_the_old_ticker_and_its_fill_under_the_new_one_are_of_one_instrument(called: str) -> None:
    """Neither said of what it was; and a broker that uses the old ticker for some hours more does not make it another's."""
    (planned,) = intents_of(plan(BEFORE, "FB"), "main")
    fill = Fill(
        fill_id="f",
        broker_order_id="b",
        client_order_id=planned.client_order_id,
        symbol=called,
        side=Side.BUY,
        quantity=planned.quantity,
        price=Decimal(100),
        fees=Decimal(0),
        at=AT,
    )
    filled = fills_frame(CHANGED, [fill], {planned.client_order_id: planned}, META)
    held = positions_frame(CHANGED, [Position(symbol="META", quantity=Decimal(50), cost=Decimal(5000), price=None)], META)
    assert {planned.instrument, *filled["instrument"], *held["instrument"]} == {"alpaca:FB"}


def test_the_orders_of_a_reused_ticker_are_anothers() -> None:
    (first,), (second,) = (intents_of(plan(session, "FB"), "main") for session in (BEFORE, LATER))
    assert (first.instrument, second.instrument) == ("alpaca:FB", "alpaca:FB@2022-06-09")
    foreign = Fill(
        fill_id="f",
        broker_order_id="b",
        client_order_id="?",
        symbol="FB",
        side=Side.BUY,
        quantity=Decimal(1),
        price=Decimal(1),
        fees=Decimal(0),
        at=AT,
    )
    assert fills_frame(LATER, [foreign], {}, META)["instrument"].to_list() == ["alpaca:FB@2022-06-09"]


def test_a_plan_that_an_older_program_has_stored_is_sent() -> None:
    stored = plan(BEFORE, "FB").drop("instrument")
    assert [one.instrument for one in intents_of(stored, "main")] == [None]
    assert ORDER_PLAN_SCHEMA.names()[:3] == ["session", "symbol", "instrument"]


@pytest.mark.parametrize(
    ("before", "tried", "after"), [(None, False, "x:B"), (None, True, "x:B"), ("x:A", False, "x:B"), ("x:A", True, "x:A")]
)
def test_a_change_of_name_that_is_told_late_is_no_difference(sqlite_bench: Bench, before: str | None, tried: bool, after: str) -> None:
    planned = replace(PLAN[0], instrument=before)
    with TradeState(sqlite_bench.url) as state, state.begin() as connection:
        states.record_plan(connection, AUTHOR, SESSION, "main", [planned])
        row = states.load(connection, planned.client_order_id)
        assert row is not None
        if tried:
            states.write_ahead(connection, AUTHOR, row, 1)
        assert states.record_plan(connection, AUTHOR, SESSION, "main", [replace(planned, instrument="x:B")]) == {}
        assert states.record_plan(connection, AUTHOR, SESSION, "main", [replace(planned, instrument=None)]) == {}
        found = states.load(connection, planned.client_order_id)
        assert found is not None
        assert (found.intent.instrument, found.attempts) == (after, int(tried))


def test_an_order_that_was_found_after_its_row_was_lost_is_not_planned_again(sqlite_bench: Bench) -> None:
    """It was never tried by these records: another plan of its session made it ready to be sent once more."""
    bench = sqlite_bench
    bench.exchange.take(PLAN[0])
    bench.exchange.held = {}
    assert bench.execute([PLAN[0]]).stopped is None
    done = bench.execute([replace(PLAN[0], quantity=Decimal(12))])
    assert [(str(one.state), one.attempts) for one in done.outcomes] == [("accepted", 0)]
    assert "quantity 12 instead of 10" in str(done.outcomes[0].reason)
    assert (len(bench.exchange.orders), bench.exchange.refused.total()) == (1, 0)


def as_of_version(url: str, version: int) -> None:
    """What this program has written, as those before it have: without requests (5), parts of orders (4), a place for contracts (3), and for the instrument (2)."""
    engine: Engine = create_engine(url.replace("postgresql://", "postgresql+psycopg://"))
    with engine.begin() as connection:
        connection.execute(text("DROP TABLE requests"))
        if version < 5:
            connection.execute(text("DROP INDEX ix_intents_parent_number"))
        for column in ("work", "arrival_price", "parent", "number", "expires_at", "cancel_asked_at") if version < 5 else ():
            connection.execute(text(f"ALTER TABLE intents DROP COLUMN {column}"))
        for column in ("decision_price", "work") if version < 5 else ():
            connection.execute(text(f"ALTER TABLE paper_orders DROP COLUMN {column}"))
        of_options = [("intents", name) for name in ("legs", "book", "rule", "place")] + [
            ("fills", "multiplier"),
            ("positions", "multiplier"),
        ]
        for table, column in of_options if version < 4 else []:
            connection.execute(text(f"ALTER TABLE {table} DROP COLUMN {column}"))
        if version == 2:
            connection.execute(text("DROP INDEX ix_intents_kind_strategy_instrument_session"))
            connection.execute(text("ALTER TABLE intents DROP COLUMN instrument"))
        connection.execute(text(f"UPDATE schema_version SET version = {version}"))
    engine.dispose()


@pytest.mark.parametrize(
    ("version", "stopped_at"), [*((2, stop) for stop in (3, *range(46, 82, 5), 1000)), (3, 51), (3, 71), (4, 51), (4, 71), (5, 51)]
)
def test_a_database_of_an_older_version_with_open_intents_goes_on_without_a_second_order(
    bench: Bench, version: int, stopped_at: int
) -> None:
    """The program before was killed somewhere in its plan: what is planned, being sent, unknown or accepted is taken up by this one."""
    bench.broker.network = [Network.WORKS, Network.ANSWER_LOST]
    with suppress(Killed):
        bench.execute(points=Points(stop_at=stopped_at))
    assert len(bench.states()) == len(PLAN)
    as_of_version(bench.url, version)
    forget_opened()
    named = [replace(one, instrument=f"x:{one.symbol}") for one in PLAN]
    bench.exchange.clock.sleep(200)
    assert bench.execute(named).stopped is None
    assert sorted(order.client_order_id for order in bench.exchange.orders) == [one.client_order_id for one in PLAN]
    assert set(bench.states().values()) == {"accepted"}
    with TradeState(bench.url) as state, state.begin() as connection:
        rows = connection.execute(tables.intents.select().order_by(tables.intents.c.symbol)).all()
    assert [row.instrument for row in rows] == ["x:AAA", "x:BBB", "x:CCC"]


class TestExits:
    """Of a position, at the prices of the bracket by which its instrument was entered: under whichever ticker, and never of another company that had the ticker."""

    DAY = date(2024, 3, 5)

    def entered(self, bench: Bench, symbol: str, instrument: str | None) -> None:
        """A bracket that was filled, and whose exits the broker has ended with a change of name."""
        prices = {"limit_price": Decimal("10.1"), "take_profit": Decimal(11), "stop_loss": Decimal(9)}
        bought = replace(intent(symbol, "100"), kind=OrderKind.BRACKET, instrument=instrument, **prices)
        with bench.executor() as executor:
            executor.execute(SESSION, [bought])
        bench.exchange.open()
        settle(bench, NEXT)
        for order in bench.exchange.orders:
            if not order.status.final:
                bench.exchange.cancel(order.broker_order_id)
        bench.exchange.clock.sleep(24 * 3600)

    def exits(self, bench: Bench) -> list[tuple[str, Decimal]]:
        with bench.executor() as executor:
            executor.execute(self.DAY, [])
        return sorted((one.symbol, one.quantity) for one in bench.exchange.orders if not one.status.final)

    def test_of_a_position_under_its_new_ticker_that_another_had_before(self, sqlite_bench: Bench) -> None:
        """An entry under the ticker, of the company that had it before, was taken for the position's own: it stayed without exits."""
        bench = sqlite_bench
        with TradeState(bench.url) as state, state.begin() as connection:
            old = replace(intent("AAX", session=date(2024, 2, 1)), instrument="x:AAX")
            states.record_plan(connection, AUTHOR, old.session, "main", [old])
        self.entered(bench, "AAA", "x:AAA")
        rename(bench, "AAA", "AAX")
        told = changes((date(2024, 2, 20), "AAX", "OLD"), (self.DAY, "AAA", "AAX"))
        bench.name_changes = lambda since: told.filter(pl.col("session") >= since)
        bench.identities = lambda _: Identities(told, "x")
        assert self.exits(bench) == [("AAX", 100), ("AAX", 100)]
        with TradeState(bench.url) as state, state.begin() as connection:
            row = states.load(connection, "main-20240305-AAX-exit")
        assert row is not None
        assert (row.intent.instrument, row.intent.leg) == ("x:AAA", Leg.EXIT)

    def test_not_of_a_newcomer_under_the_ticker(self, sqlite_bench: Bench) -> None:
        """Shares of a company that took the ticker up were given exits at the prices of the one before."""
        bench = sqlite_bench
        self.entered(bench, "AAA", "x:AAA")
        told = changes((self.DAY, "AAA", "AAX"))
        bench.identities = lambda _: Identities(told, "x")
        assert self.exits(bench) == []

    @pytest.mark.parametrize("known", [True, False])
    def test_of_a_bracket_that_names_no_instrument_by_its_ticker(self, sqlite_bench: Bench, known: bool) -> None:
        bench = sqlite_bench
        self.entered(bench, "AAA", None)
        bench.identities = (lambda _: Identities(changes(), "x")) if known else None
        assert self.exits(bench) == [("AAA", 100), ("AAA", 100)]
