"""A day of disconnects: the stream is lost at random instants, comes back, repeats itself, and the second source is away at times, too.

Afterwards nothing is missing in silence. Each minute bar of the market is known once: as it was heard, or repaired from the REST side and marked so; or it is in a gap that was named.
Each trade is there once: of the vendor whose stream was lost, or of the second one, whose name and why it was taken its row has; or it is in a gap that `tick_gaps` names. One script of
disconnects goes through both: the stream and the loop's intake for minutes, fallback, screening and named gaps for trades.
"""

import random
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import count
from typing import Any

import polars as pl
import pytest

from ats_assets.calendar import session_calendar
from ats_assets.intraday.named_tick_gaps import FILLED, tick_gaps
from ats_assets.intraday.schema import NANOSECONDS, RAW_TRADES_SCHEMA
from ats_assets.intraday.session_hours import SessionHours
from ats_assets.intraday.tick_sources.preferred import PreferredTicks, PreferredTicksSettings
from ats_assets.intraday.trade_screening import screen_trades
from ats_assets.live.intake import Intake, taken_in
from ats_assets.live.market_state import HeardBar
from ats_assets.live.session_state import LiveState
from ats_assets.live.stream import EventKind, StreamEvent
from ats_assets.settings import LiveSettings, TickScreeningSettings
from ats_assets.sources.schema import VENDOR_SCHEMA
from ats_assets_tests.alpaca_double import AlpacaDouble, MarketData, Plan
from ats_assets_tests.alpaca_double.market_stream import MarketStreamDouble
from ats_assets_tests.alpaca_double.misbehaviour import Fault, Step
from ats_assets_tests.live.streams.test_alpaca import SESSION, listening
from ats_assets_tests.rounds import rounds
from ats_assets_tests.sources.recorded_session import RecordedSession

CALENDAR = session_calendar("XNYS", date(2024, 1, 2))
OPENS, CLOSES = CALENDAR.opens_at(SESSION), CALENDAR.closes_at(SESSION)
MINUTE = timedelta(minutes=1)
SYMBOLS = ("AAA", "BBB")
DISCONNECTS = rounds(60, 1000, "ATS_TEST_DISCONNECTS")
CYCLE = (CLOSES - OPENS - 3 * MINUTE) / 1000
"""From one disconnect to the next: a day has a thousand."""
LONGEST = timedelta(seconds=2)
"""A silence of trades that is none; they come twice a second."""
DOWN = Plan(steps=(Step(fault=Fault.ERROR_BEFORE, path=r"/bars", times=None),))


@dataclass(frozen=True)
class Away:
    """Lost from an instant on, until another; whether the second source is away, too."""

    lost: datetime
    back: datetime
    both: bool


def script(chance: random.Random, times: int) -> list[Away]:
    """One a cycle, which leaves the stream some seconds, and is long enough to be a silence; of the last tenth nobody has anything."""
    found = []
    for n in range(times):
        lost = OPENS + n * CYCLE + timedelta(seconds=chance.uniform(2.0, 10.0))
        found.append(Away(lost, lost + timedelta(seconds=chance.uniform(5.0, 12.0)), chance.random() < 0.2 or n >= times * 9 // 10))
    return found


def minute_bars(chance: random.Random, until: datetime) -> dict[tuple[str, datetime], dict[str, Any]]:
    """The bars of the market, each unlike all others; some minutes have no trade."""
    found, at = {}, OPENS
    while at + MINUTE <= until:
        for n, symbol in enumerate(SYMBOLS):
            if chance.random() < 0.95:
                close = 10.0 + len(found) / 64
                found[symbol, at] = {"o": close, "h": close + 1, "l": close - 1, "c": close, "v": 300 + n, "n": 7, "vw": close}
        at += MINUTE
    return found


def sent(symbol: str, at: datetime, bar: dict[str, Any]) -> dict[str, Any]:
    return {"T": "b", "S": symbol, "t": f"{at:%Y-%m-%dT%H:%M:%SZ}", **bar}


def heard_of(
    market: dict[tuple[str, datetime], dict[str, Any]], away: Sequence[Away], chance: random.Random, monkeypatch: pytest.MonkeyPatch
) -> tuple[list[StreamEvent], set[tuple[str, datetime]]]:
    """What the stream tells on such a day, and the bars that it was sent while it was there."""
    desk, live = MarketData(realtime_sip=True), set[tuple[str, datetime]]()
    for symbol in SYMBOLS:
        desk.add("stocks", "bars/1Min", symbol, [{"t": at, **bar} for (own, at), bar in market.items() if own == symbol], feed="iex")
    ends = sorted({at + MINUTE for _, at in market})
    moments = sorted([*((one.lost, one) for one in away), *((end, None) for end in ends)], key=lambda pair: pair[0])
    with AlpacaDouble([desk], now=OPENS) as double, MarketStreamDouble() as stream:
        with listening(stream, double, monkeypatch, symbols=SYMBOLS, alpaca={"max_attempts": 2}) as (listener, clock):
            clock.at = OPENS
            stream.listened()

            def reached() -> None:
                """All that was sent so far has been read: a quote of its own comes last."""
                number = next(quotes)
                quote = {"T": "q", "S": "AAA", "bp": float(number), "bs": 1, "ap": number + 1.0, "as": 1}
                stream.send({**quote, "t": f"{clock.at:%Y-%m-%dT%H:%M:%S.%fZ}"})
                listener.wait(number, EventKind.QUOTE)

            quotes = count(1)
            until, lost = OPENS, 0
            for at, one in moments:
                if one is not None:
                    lost += 1
                    clock.at = double.now = until = one.back
                    double.plan = DOWN if one.both else Plan()
                    stream.cut_all()
                    listener.wait(lost, EventKind.LOST)
                    stream.listened(lost + 1)
                    reached()
                elif at >= until:
                    clock.at = double.now = at + timedelta(milliseconds=200)
                    new = [(symbol, at - MINUTE) for symbol in SYMBOLS if (symbol, at - MINUTE) in market and chance.random() < 0.97]
                    told = [sent(*key, market[key]) for key in new]
                    if told:
                        stream.send(*told, *(told if chance.random() < 0.2 else ()))
                        live.update(new)
                    reached()
            clock.at = double.now = clock.at + 2 * MINUTE  # what is lacking is asked for once more
            reached()
            reached()
        return list(listener.heard), live


def trades(chance: random.Random, until: datetime) -> pl.DataFrame:
    """Twice a second, often several of one price and size at one instant, none with a name."""
    rows = []
    for symbol in SYMBOLS:
        at = OPENS
        while at < until:
            rows += [(symbol, at, chance.choice((10.0, 10.01)), 100.0) for _ in range(chance.choice((1, 1, 2, 4)))]
            at += timedelta(microseconds=chance.randint(300_000, 700_000))
    frame = pl.DataFrame(
        rows, schema={"symbol": pl.String, "at": pl.Datetime("us", "UTC"), "price": pl.Float64, "size": pl.Float64}, orient="row"
    )
    return frame.with_columns(pl.col("at").cast(NANOSECONDS), number=pl.int_range(pl.len()))


def delivered(rows: pl.DataFrame) -> pl.DataFrame:
    """Rows as a vendor delivers them."""
    made = rows.with_columns(session=pl.lit(SESSION), sequence=pl.int_range(pl.len(), dtype=pl.Int64).over("symbol"))
    absent = {name: pl.lit(None, dtype) for name, dtype in RAW_TRADES_SCHEMA.items() if name not in made.columns}
    return made.with_columns(**absent).match_to_schema(RAW_TRADES_SCHEMA, extra_columns="ignore").sort("symbol", "sequence")


def named_minutes(heard: Sequence[StreamEvent]) -> set[datetime]:
    """The minutes that were named as gaps."""
    found: set[datetime] = set()
    for event in heard:
        if span := re.search(r"minute bars from (\d+):(\d+) to (\d+):(\d+) are missing", str(event.fields.get("gap", ""))):
            first, last = (OPENS.replace(hour=int(span[i]), minute=int(span[i + 1])) for i in (1, 3))
            found |= {first + n * MINUTE for n in range((last - first) // MINUTE + 1)}
    return found


def test_no_disconnect_leaves_a_silent_gap(monkeypatch: pytest.MonkeyPatch) -> None:
    chance = random.Random(20240304)
    away = script(chance, DISCONNECTS)
    until = (away[-1].back + 2 * MINUTE).replace(second=0, microsecond=0)

    market = minute_bars(chance, until)
    heard, live = heard_of(market, away, chance, monkeypatch)
    state = LiveState(session=SESSION, opens_at=OPENS, closes_at=CLOSES, now=OPENS)
    verdicts: Counter[Intake] = Counter()
    for event in heard:
        state, verdict, _ = taken_in(state, event, LiveSettings())
        verdicts[verdict] += 1
    known = {(symbol, bar.starts_at): bar for symbol in SYMBOLS for bar in state.of(symbol).bars}
    assert len(known) == sum(len(state.of(symbol).bars) for symbol in SYMBOLS), "each minute once"
    assert {key: bar.close for key, bar in known.items()} == {key: market[key]["c"] for key in known}, "and as the market had it"
    repaired = {(one.symbol, one.fields["starts_at"]) for one in heard if one.kind is EventKind.BAR and one.fields.get("repaired")}
    assert known.keys() - live <= repaired, "what was not heard is marked as repaired"
    silent = market.keys() - known.keys()
    assert {at for _, at in silent} <= named_minutes(heard), "what is not there is named"
    assert known.keys() - live, "something was repaired"
    assert verdicts[Intake.DOUBLED], "something came twice"
    assert not verdicts[Intake.IMPOSSIBLE] + verdicts[Intake.BACK_IN_TIME]
    assert all(isinstance(bar, HeardBar) for bar in known.values())

    whole = trades(chance, until)
    lost = pl.lit(value=False)
    gone = pl.lit(value=False)
    for one in away:
        inside = pl.col("at").is_between(pl.lit(one.lost).cast(NANOSECONDS), pl.lit(one.back).cast(NANOSECONDS), closed="left")
        lost, gone = lost | inside, (gone | inside) if one.both else gone
    within_an_instant = pl.col("number").is_in(_cut_instants(whole, away))
    first = whole.filter(~(lost | within_an_instant)).with_columns(part=pl.lit(0, pl.Int32))
    repeats = first.filter(pl.int_range(pl.len()) % 50 < 3).with_columns(part=pl.lit(1, pl.Int32))
    stream, second = delivered(pl.concat([first, repeats])), delivered(whole.filter(~gone).with_columns(part=pl.lit(0, pl.Int32)))
    vendors = {name: RecordedSession(rows, SESSION, CLOSES) for name, rows in (("stream", stream), ("second", second))}
    settings = PreferredTicksSettings(
        order=("stream", "second"), fill="gaps", gap_seconds=round(LONGEST.total_seconds()), clock_difference_ms=0
    )
    hours = SessionHours(CALENDAR, {})
    raw = PreferredTicks(settings, "trades", hours, vendors).ticks(SESSION)
    accepted, rejected = screen_trades(raw.drop(VENDOR_SCHEMA.names()), hours, TickScreeningSettings())
    there, true = (Counter(rows.select("symbol", "at", "price", "size").rows()) for rows in (accepted, whole))
    assert not there - true, "no trade twice"
    names = tick_gaps("trades", SESSION, hours, accepted, rejected, raw=raw, seconds=round(LONGEST.total_seconds()))
    open_gaps = names.filter(pl.col("reason") != FILLED).select("symbol", "starts_at", "ends_at").rows()
    spans = {symbol: [(start, end) for own, start, end in open_gaps if own == symbol] for symbol in SYMBOLS}
    missing = true - there
    assert all(any(start <= at <= end for start, end in spans[symbol]) for symbol, at, _, _ in missing), "what is missing is named"
    other = raw.filter(pl.col("vendor") == "second")
    assert other.height > 0
    assert other["vendor_reason"].str.contains(r"^stream: no tick from [\d:.]+Z to [\d:.]+Z$").all(), "whose it is, and why"
    assert raw.filter(pl.col("vendor") == "stream")["vendor_reason"].null_count() == raw.filter(pl.col("vendor") == "stream").height
    assert missing, "the second source was away, too"
    assert names.filter(reason=FILLED)["ticks"].sum() == other.height


def _cut_instants(whole: pl.DataFrame, away: Sequence[Away]) -> list[int]:
    """Of the last instant before each loss some trades: a connection breaks in the middle of a message, too."""
    found: list[int] = []
    for one in away:
        before = whole.filter(pl.col("at") < pl.lit(one.lost).cast(NANOSECONDS))
        last = (
            before.filter(pl.col("at") == pl.col("at").max().over("symbol")).group_by("symbol", maintain_order=True).agg(pl.col("number"))
        )
        found += [number for numbers in last["number"].to_list() for number in numbers[1:]]
    return found
