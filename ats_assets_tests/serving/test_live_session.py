"""Positions, risk and performance of a session while it goes on: what the service reads of the journal is what the loop's monitors make of its steps, after each event."""

import itertools
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from playwright.sync_api import expect

from ats_assets.deployment import Deployment
from ats_assets.live.live_rules import LiveRules
from ats_assets.live.monitors import held_frame, performance_frame, risk_frame
from ats_assets.live.monitors import watched as recorded
from ats_assets.live.session_journal import DecidedRow, Heard, SessionJournal
from ats_assets.live.session_state import LiveState
from ats_assets.live.step import begin, step
from ats_assets.live.stream import EventKind, StreamEvent
from ats_assets.serving.queries import live_session
from ats_assets.serving.queries.live_session import JournalRead
from ats_assets.trade_state import CONNECTION_VARIABLE, TradeState
from ats_assets_tests.rounds import rounds
from ats_assets_tests.serving.conftest import Asking
from ats_assets_tests.serving.dashboard_browser import served, started_browser, watched

DAY = date(2024, 3, 4)
OPENS, CLOSES = datetime(2024, 3, 4, 14, 30, tzinfo=UTC), datetime(2024, 3, 4, 21, tzinfo=UTC)
SYMBOLS = ("AAPL", "MSFT", "SPY")
RULES = LiveRules(session=DAY, opens_at=OPENS, closes_at=CLOSES, work=pytest.fail)
AHEAD = RULES.settings.max_ahead_seconds


class FollowedDay:
    """Steps of a session on a journal, as the loop writes them."""

    def __init__(self, state: TradeState, strategy: str) -> None:
        self.state, self.journal = state, SessionJournal(session=DAY, strategy=strategy)
        self._number, self._decisions = itertools.count(1), itertools.count(1)
        self._known: LiveState | None = None
        self._now = OPENS

    def hear(self, kind: EventKind, symbol: str | None = None, *, after: float = 1.0, **fields: Any) -> None:
        self._now += timedelta(seconds=after)
        event = StreamEvent(known_at=self._now, kind=kind, symbol=symbol, fields=fields)
        made = step(self._known or begin(RULES, self._now), event, RULES)
        self._known, number = made.state, next(self._number)
        heard = Heard(number=number, event=event, verdict=made.verdict, reason=made.reason)
        decided = [DecidedRow(number=next(self._decisions), after=number, at=self._now, decision=one, done=True) for one in made.decisions]
        with self.state.begin() as connection:
            self.journal.write(connection, [heard], decided)

    def plan(self) -> None:
        closes = {"AAPL": 100.0, "MSFT": 50.0}
        self.hear(EventKind.PLAN, equities=[10_000.0], paid_in=[0.0], closes=closes, parents=[], work={})

    def market(self, symbol: str, seconds: float, price: float, *, bar: bool) -> None:
        """A price of so many seconds ago; of a bar, of its end."""
        at = self._now - timedelta(seconds=seconds)
        if bar:
            prices = dict.fromkeys(("open", "high", "low", "close"), price)
            self.hear(EventKind.BAR, symbol, starts_at=at - timedelta(minutes=1), **prices, volume=100.0)
        else:
            self.hear(EventKind.TRADE, symbol, at=at, price=price, size=1.0)

    def check(self) -> None:
        """What the service reads is what the monitors make."""
        with self.state.begin() as connection:
            one = recorded(connection, self.journal, RULES)
            read = JournalRead(connection, self.journal.strategy)
            held, risk, performance = read.held(AHEAD), read.risk(), read.performance()
        assert one is not None
        assert read.heard_at == one.state.now
        frame = held_frame(one).drop("session")
        known = [at if one.state.of(symbol).last else None for symbol, at in frame.select("symbol", "at").iter_rows()]
        assert held == [row | {"at": at} for row, at in zip(frame.to_dicts(), known, strict=True)]
        assert [{name: value for name, value in row.items() if name != "unpriced"} for row in risk] == _rows(risk_frame(one))
        assert performance == _rows(performance_frame(one))


def _rows(frame: pl.DataFrame) -> list[dict[str, Any]]:
    return frame.drop("session").to_dicts()


SHARES = st.dictionaries(st.sampled_from(SYMBOLS), st.sampled_from([-20.0, 0.0, 10.0, 30.0]), max_size=3)
EVENTS = st.lists(
    st.one_of(
        st.tuples(st.just("account"), SHARES),
        st.tuples(st.just("plan")),
        st.tuples(
            st.just("market"),
            st.sampled_from(SYMBOLS),
            st.sampled_from([-25.0, 0.0, 20.0, 90.0, 400.0]),
            st.integers(90, 110),
            st.booleans(),
        ),
    ),
    min_size=1,
    max_size=20,
)


@pytest.fixture(scope="module")
def trading(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TradeState]:
    with TradeState(f"sqlite:///{tmp_path_factory.mktemp('journals') / 'trade_state.sqlite'}") as state:
        yield state


def test_it_is_what_the_monitors_make_of_the_steps(trading: TradeState, monkeypatch: pytest.MonkeyPatch) -> None:
    """Prices that come late, ahead of the clock, from trades and bars, long and short, with and without a close before; read in pages."""
    numbers = itertools.count()
    monkeypatch.setattr(live_session, "_AT_ONCE", 2)

    @settings(max_examples=rounds(20, 300))
    @given(told=EVENTS)
    def played(told: list[tuple]) -> None:
        day = FollowedDay(trading, f"s{next(numbers)}")
        for what, *how in told:
            if what == "account":
                day.hear(EventKind.ACCOUNT, cash=1_000.0, positions=how[0], no_opening=None)
            elif what == "plan":
                day.plan()
            else:
                day.market(how[0], how[1], float(how[2]), bar=how[3])
        day.check()

    played()


def test_the_routes_tell_of_the_session(deployment: Deployment, asking: Asking, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The newest that was followed, or a named one; while nothing was followed, or of a session that was not, that is what they say."""
    url = f"sqlite:///{tmp_path / 'trade_state.sqlite'}"
    monkeypatch.setenv(CONNECTION_VARIABLE, url)
    with TradeState(url) as state:
        day, client = FollowedDay(state, "main"), asking(deployment)
        assert client.get("/api/v1/live/risk").json() == {"data": [], "next": None, "session": None, "at": None}
        day.plan()
        day.hear(EventKind.ACCOUNT, cash=9_000.0, positions={"AAPL": 10.0}, no_opening=None)
        day.market("AAPL", 0.0, 104.0, bar=True)
        held = client.get("/api/v1/live/positions").json()
        assert (held["session"], held["data"][0]["price"], held["data"][0]["profit"]) == ("2024-03-04", 104.0, 40.0)
        day.market("AAPL", 0.0, 93.6, bar=True)
        day.hear(EventKind.ACCOUNT, after=60.0, cash=9_000.0, positions={"AAPL": 10.0}, no_opening=None)
        day.market("AAPL", 0.0, 93.6, bar=True)
        told = client.get("/api/v1/live/performance", params={"session": "2024-03-04"}).json()["data"]
        assert [(row["equity"], row["profit"]) for row in told] == [(10_040.0, 40.0), (9_936.0, -64.0)]
        assert told[-1]["drawdown"] == pytest.approx(104 / 10_040)
        newest = client.get("/api/v1/live/risk").json()["data"][-1]
        assert (newest["largest_symbol"], newest["largest_share"]) == ("AAPL", pytest.approx(936 / 9_936))
        missing = client.get("/api/v1/live/risk", params={"session": "2024-03-01"})
        assert (missing.status_code, missing.json()["type"]) == (404, "urn:ats:problem:no-session")


def test_the_dashboard_shows_the_session_as_it_goes_on(deployment: Deployment, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By the stream, without being loaded again; and before any session was followed it says how one is."""
    url = f"sqlite:///{tmp_path / 'trade_state.sqlite'}"
    monkeypatch.setenv(CONNECTION_VARIABLE, url)
    with TradeState(url) as state, started_browser() as browser, served(deployment) as address, watched(browser, address) as watching:
        panel = watching.show("/portfolio").locator('section:has(h2:text-is("Session"))')
        expect(panel).to_contain_text("No session was followed yet")
        day = FollowedDay(state, "main")
        day.plan()
        day.hear(EventKind.ACCOUNT, cash=9_000.0, positions={"AAPL": 10.0}, no_opening=None)
        day.market("AAPL", 0.0, 104.0, bar=True)
        expect(panel).to_contain_text("10,040.00")
        expect(panel.locator("tbody tr")).to_contain_text("AAPL")
        day.hear(EventKind.ACCOUNT, after=60.0, cash=9_000.0, positions={"AAPL": 10.0}, no_opening=None)
        day.market("AAPL", 0.0, 93.6, bar=True)
        expect(panel).to_contain_text("9,936.00")
        expect(panel).to_contain_text("1.04%")
        assert watching.unfit() == []
        assert watching.strangers == []
