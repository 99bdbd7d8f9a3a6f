"""Quotes and bars as the session's journal has them: the same deltas whoever reads it, however often, and whenever a topic is first asked for."""

import itertools
import json
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ats_assets.deployment import Deployment
from ats_assets.live.intake import Intake
from ats_assets.live.live_decision import LiveDecision, What
from ats_assets.live.loop_claim import Claim
from ats_assets.live.session_journal import DecidedRow, Heard, SessionJournal
from ats_assets.live.stream import EventKind, StreamEvent
from ats_assets.serving.stream.followed_session import BOOK_TOPICS, FollowedSession
from ats_assets.serving.stream.topic_log import TopicLog
from ats_assets.settings import load_settings
from ats_assets.trade_state import CONNECTION_VARIABLE, TradeState
from ats_assets.trade_state.journal_tables import TAKEN, events
from ats_assets_tests.rounds import rounds
from ats_assets_tests.serving.stream.conftest import STREAM, serving

DAY = date(2024, 3, 4)
OPENS = datetime(2024, 3, 4, 14, 30, tzinfo=UTC)
TOPICS = ("quotes:AAPL", "bars:AAPL", "bars:MSFT", *BOOK_TOPICS)


class Loop:
    """Writes a journal as the session loop does."""

    def __init__(self, state: TradeState, day: date = DAY) -> None:
        self.state = state
        self._journal = SessionJournal(session=day, strategy="main")
        self._numbers, self._decisions = itertools.count(1), itertools.count(1)
        self.claim = Claim(strategy="main")
        with state.begin() as connection:
            self.claim.take(connection, OPENS)

    def hear(
        self, kind: EventKind, symbol: str | None = None, verdict: Intake = Intake.TAKEN, *decided: LiveDecision, **fields: object
    ) -> None:
        event, number = StreamEvent(known_at=OPENS, kind=kind, symbol=symbol, fields=fields), next(self._numbers)
        rows = [DecidedRow(number=next(self._decisions), after=number, at=OPENS, decision=one, done=True) for one in decided]
        with self.state.begin() as connection:
            self._journal.write(connection, [Heard(number=number, event=event, verdict=verdict, reason="")], rows)

    def judge(self, equity: float, what: What = What.KEEP) -> None:
        """The risk of the book is written down."""
        figures = dict.fromkeys(("gross_share", "net_share", "largest_share", "exposure"), 1.0) | {
            "equity": equity,
            "profit": equity - 100.0,
        }
        fields = figures | {"largest_symbol": "AAPL", "positions": 1, "unpriced": []}
        self.hear(
            EventKind.ACCOUNT,
            None,
            Intake.TAKEN,
            LiveDecision(what=What.WAIT, subject="main-1", symbol="AAPL", reason="until the next slice"),
            LiveDecision(what=what, subject="portfolio", symbol=None, reason="too much was lost", fields=fields),
        )

    def bar(self, symbol: str, minute: int, close: float, verdict: Intake = Intake.TAKEN) -> None:
        prices = {"open": close, "high": close, "low": close, "close": close, "volume": 100.0}
        self.hear(EventKind.BAR, symbol, verdict, starts_at=OPENS + timedelta(minutes=minute), **prices)

    def quote(self, symbol: str, bid: float, verdict: Intake = Intake.TAKEN) -> None:
        self.hear(EventKind.QUOTE, symbol, verdict, at=OPENS, bid=bid, ask=bid + 0.01, bid_size=100.0, ask_size=200.0)

    def end(self) -> None:
        with self.state.begin() as connection:
            self.claim.give_back(connection)


def test_what_counts_is_what_the_loop_takes() -> None:
    assert set(TAKEN) == {one.value for one in Intake if not one.refused and not one.ignored}


class Follower:
    """Reads a journal, from time to time, and asks for topics at one time or another."""

    def __init__(self) -> None:
        self.followed = FollowedSession("main")
        self.logs: dict[str, TopicLog] = {}
        self.wanted: dict[str, int] = {}

    def read(self, state: TradeState) -> None:
        with state.begin() as connection:
            begun, deltas = self.followed.read(connection, self.wanted)
        for delta in deltas:
            self.logs[delta.topic].take(delta)
        self.logs |= {log.topic: log for log in begun}


HEARD = st.lists(
    st.one_of(
        st.tuples(st.just("bar"), st.sampled_from(["AAPL", "MSFT"]), st.integers(0, 3), st.sampled_from(list(Intake))),
        st.tuples(st.just("quote"), st.sampled_from(["AAPL", "MSFT"]), st.integers(1, 3), st.sampled_from(list(Intake))),
        st.tuples(st.just("judge"), st.integers(90, 110), st.sampled_from([What.KEEP, What.BREACH])),
        st.tuples(st.sampled_from(["read", "want"]), st.sampled_from(TOPICS)),
    ),
    max_size=25,
)


def test_whoever_reads_it_whenever_has_the_same_deltas(tmp_path: Path) -> None:
    """One who has read all along, in pieces, and one who comes at the end: the same rows, numbers and cursors. So a cursor holds over a restart."""
    numbers = itertools.count()

    @settings(max_examples=rounds(15, 300))
    @given(steps=HEARD)
    def played(steps: list[tuple]) -> None:
        with TradeState(f"sqlite:///{tmp_path / f'{next(numbers)}.sqlite'}") as state:
            loop, early = Loop(state), Follower()
            for what, *how in steps:
                if what == "read":
                    early.read(state)
                elif what == "want":
                    early.wanted[how[0]] = 1
                elif what == "judge":
                    loop.judge(float(how[0]), how[1])
                elif what == "bar":
                    loop.bar(how[0], how[1], 10.0 + how[1], how[2])
                else:
                    loop.quote(how[0], float(how[1]), how[2])
            late = Follower()
            for one in (early, late):
                one.wanted = dict.fromkeys(TOPICS, 1)
                one.read(state)
            for topic in TOPICS:
                ours, theirs = early.logs[topic], late.logs[topic]
                assert (ours.rows, ours.cursor) == (theirs.rows, theirs.cursor)
                assert ours.since(theirs.cursor) == []
                assert [one.sequence for one in theirs.since(f"0-{theirs.origin}") or ()] == list(range(1, ours.sequence + 1))
            kind, symbol = {"quotes": "quote", "bars": "bar"}, "AAPL"
            taken = [how for what, *how in steps if what == kind["bars"] and how[0] == symbol and how[2].value in TAKEN]
            assert early.logs["bars:AAPL"].sequence == len(taken)
            judged = [json.loads(row) for row in early.logs["live_performance"].rows.values()]
            equities = [how[0] for what, *how in steps if what == "judge"]
            highest = itertools.accumulate(equities, max)
            assert [row["drawdown"] for row in judged] == [pytest.approx(1 - one / top) for one, top in zip(equities, highest, strict=True)]
            assert len(early.logs["bars:AAPL"].rows) == len({how[1] for how in taken})

    played()


@pytest.fixture
def state(home: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[TradeState]:
    url = f"sqlite:///{home / 'data' / 'trade_state.sqlite'}"
    monkeypatch.setenv(CONNECTION_VARIABLE, url)
    with TradeState(url) as state:
        yield state


def test_a_client_hears_bars_and_quotes_and_when_the_market_is_lost(state: TradeState) -> None:
    """Resumed after a restart; the next session begins anew, with a reset."""
    deployment = Deployment(load_settings(serving={"stream": STREAM}))
    loop = Loop(state)
    loop.bar("AAPL", 0, 10.0)
    loop.judge(101.0)
    with serving(deployment) as service, service.client("bars:AAPL", "quotes:AAPL", "live_risk", "feed") as client:
        first = client.heard("snapshot", "bars:AAPL")
        assert [(row["key"], row["close"]) for row in first["data"]] == [("2024-03-04T14:30:00Z", 10.0)]
        loop.quote("AAPL", 10.5)
        assert client.heard("delta", "quotes:AAPL")["data"]["set"] == [
            {"key": "AAPL", "symbol": "AAPL", "at": "2024-03-04T14:30:00Z", "bid": 10.5, "ask": 10.51, "bid_size": 100.0, "ask_size": 200.0}
        ]
        assert [(row["key"], row["equity"], row["breach"]) for row in client.heard("snapshot", "live_risk")["data"]] == [("2", 101.0, None)]
        loop.judge(90.0, What.BREACH)
        (told,) = client.heard("delta", "live_risk")["data"]["set"]
        assert (told["key"], told["equity"], told["breach"]) == ("4", 90.0, "too much was lost")
        client.until("feed", lambda rows: rows.get("session", {}).get("state") == "ok")
        loop.hear(EventKind.LOST, reason="the connection was closed")
        client.until("feed", lambda rows: rows["session"]["state"] == "lost" and "was closed" in rows["session"]["reason"])
        loop.hear(EventKind.RESUMED)
        client.until("feed", lambda rows: rows["session"]["state"] == "ok")
        loop.end()
        client.until("feed", lambda rows: rows["session"]["state"] == "ended")
        port = service.port
    loop.bar("AAPL", 1, 11.0, Intake.LATE)
    loop.bar("AAPL", 2, 12.0, Intake.IMPOSSIBLE)
    with serving(deployment, port) as service, service.client("bars:AAPL", after={"bars:AAPL": first["cursor"]}) as client:
        client.heard("resumed", "bars:AAPL")
        assert [row["close"] for row in client.heard("delta", "bars:AAPL")["data"]["set"]] == [11.0]
        Loop(state, date(2024, 3, 5)).bar("AAPL", 1440, 20.0)
        client.heard("reset", "bars:AAPL")
        assert [row["close"] for row in client.heard("snapshot", "bars:AAPL")["data"]] == [20.0]


def test_the_newest_replay_of_a_folder_is_followed(state: TradeState, tmp_path: Path) -> None:
    """Whose trade state is its own; the fills are those of the real one all the same."""
    with TradeState(f"sqlite:///{tmp_path / 'replays' / 'trade_state-2024-03-04.sqlite'}") as replayed:
        stream = STREAM | {"replay_folder": "replays"}
        deployment = Deployment(load_settings(serving={"stream": stream}))
        assert deployment.settings.serving.stream.replay_folder == tmp_path / "replays"
        loop = Loop(replayed)
        with serving(deployment) as service, service.client("bars:SPY", "fills") as client:
            assert client.heard("snapshot", "bars:SPY")["data"] == []
            loop.bar("SPY", 0, 500.0)
            client.heard("reset", "bars:SPY")  # its session begins
            assert [row["close"] for row in client.heard("snapshot", "bars:SPY")["data"]] == [500.0]
    with state.begin() as connection:
        assert connection.execute(events.select()).all() == []
