"""Features beside events: of each the newest row that was known, against a search that looks at every row of every session."""

import shutil
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ats_assets.deployment import Deployment
from ats_assets.errors import FeatureError
from ats_assets.features import FEATURE_REASONS, as_of
from ats_assets.storage.knowledge import time_of
from ats_assets_tests.features.test_assets import FAMILY, RAW, market
from ats_assets_tests.features.test_renamed_assets import CHANGED, renaming_market
from ats_assets_tests.rounds import rounds
from ats_assets_tests.small_market import FIRST, make_history, small_market

DAYS = [date(2021, 1, day) for day in (4, 5, 6, 7, 8, 11, 12, 13, 14, 15, 19, 20)]
"""XNYS: of the 18th there is no session."""
SYMBOLS = ("A", "B", "C")
Rows = Mapping[date, Sequence[str]]
"""Which symbols have a row in each session that is stored."""


def stored(root: Path, rows: Rows, seed: int = 0) -> Deployment:
    """A warehouse with a family `moves`, whose values tell of which session and symbol they are."""
    deployment = market(root, {"moves": FAMILY})
    random = np.random.default_rng(seed)
    for day, symbols in rows.items():
        values = {name: random.standard_normal(len(symbols)).astype(np.float32) for name in ("GAIN3", "CALM5")}
        frame = pl.DataFrame({"symbol": list(symbols), "session": [day] * len(symbols), **values})
        deployment.warehouse.write("moves", day, frame.cast({"symbol": pl.String, "session": pl.Date}))
    return deployment


def searched(deployment: Deployment, rows: Rows, symbol: str | None, at: datetime | date | None, max_age: int) -> tuple[Any, ...]:
    """What an event gets, by looking at one session after the other: session, age, reason, GAIN3."""
    calendar, grace = deployment.calendar, timedelta(hours=deployment.settings.knowledge.grace_hours)
    if at is None:
        return None, None, "no_time", None
    if symbol is None:
        return None, None, "no_symbol", None
    known = []
    for day in calendar.sessions(min(rows), date(2021, 3, 1)):
        since = min(calendar.closes_at(day) + grace, calendar.opens_at(calendar.after(day)))
        if (since <= at) if isinstance(at, datetime) else (day <= at):
            known.append(day)
    if not known:
        return None, None, "before_history", None
    for age, day in enumerate(reversed(known)):
        if symbol in rows.get(day, ()):
            if age > max_age:
                return None, None, "too_old", None
            values = pl.read_parquet(deployment.warehouse.path("moves", day), hive_partitioning=False).filter(symbol=symbol)
            return day, age, None, values["GAIN3"][0]
    return None, None, "no_row", None


def told(found: pl.DataFrame) -> list[tuple[Any, ...]]:
    return found.select("feature_session", "feature_age_sessions", "feature_reason", "GAIN3").rows()


ROWS = st.dictionaries(st.sampled_from(DAYS), st.sets(st.sampled_from(SYMBOLS)).map(sorted), min_size=1).map(
    lambda found: dict(sorted(found.items()))
)
MINUTES = st.integers(-3 * 24 * 60, 25 * 24 * 60)
EDGES = st.sampled_from(
    [datetime(2021, 1, 4, 21, tzinfo=UTC), datetime(2021, 1, 5, 9, tzinfo=UTC), datetime(2021, 1, 19, 14, 30, tzinfo=UTC)]
)
TIMES = (
    st.none()
    | MINUTES.map(lambda minutes: datetime(2021, 1, 1, tzinfo=UTC) + timedelta(minutes=minutes))
    | EDGES.flatmap(lambda at: st.integers(-1, 1).map(lambda micros: at + timedelta(microseconds=micros)))
)
NAMES = st.sampled_from([*SYMBOLS, "D", None])


@settings(max_examples=rounds(25, 400), deadline=None)
@given(
    rows=ROWS,
    events=st.lists(st.tuples(NAMES, TIMES), max_size=12),
    max_age=st.integers(0, 12),
    zone=st.sampled_from(["UTC", "America/New_York", "Asia/Tokyo"]),
    unit=st.sampled_from(["us", "ns"]),
)
def test_each_event_gets_the_newest_row_that_was_known(
    tmp_path_factory: pytest.TempPathFactory, rows: Rows, events: list[tuple[Any, Any]], max_age: int, zone: str, unit: Any
) -> None:
    deployment = stored(tmp_path_factory.mktemp("any"), rows)
    frame = pl.DataFrame(events, schema={"symbol": pl.String, "time": pl.Datetime("us", "UTC")}, orient="row")
    frame = frame.with_columns(pl.col("time").dt.cast_time_unit(unit).dt.convert_time_zone(zone), number=pl.int_range(pl.len()))
    found = as_of(frame, ["moves"], deployment=deployment, max_age_sessions=max_age)
    assert told(found) == [searched(deployment, rows, *event, max_age) for event in events]
    assert found.select(frame.columns).equals(frame), "the events stay as they are, in their order"
    for event, row in zip(frame.iter_slices(1), found.iter_slices(1), strict=True):
        alone = as_of(event, ["moves"], deployment=deployment, max_age_sessions=max_age)
        assert alone.equals(row), "what an event gets depends on no other event"


@settings(max_examples=rounds(10, 150), deadline=None)
@given(
    rows=ROWS,
    events=st.lists(st.tuples(NAMES, st.none() | st.dates(date(2021, 1, 1), date(2021, 1, 31))), max_size=12),
    max_age=st.integers(0, 12),
)
def test_an_event_of_a_session_knows_that_session(
    tmp_path_factory: pytest.TempPathFactory, rows: Rows, events: list[tuple[Any, Any]], max_age: int
) -> None:
    deployment = stored(tmp_path_factory.mktemp("any"), rows)
    frame = pl.DataFrame(events, schema={"symbol": pl.String, "session": pl.Date}, orient="row")
    found = as_of(frame, ["moves"], deployment=deployment, max_age_sessions=max_age)
    assert told(found) == [searched(deployment, rows, *event, max_age) for event in events]


def _at(day: date, hour: int, minute: int = 0) -> datetime:
    return datetime(day.year, day.month, day.day, hour, minute, tzinfo=UTC)


def test_inside_a_session_it_is_the_one_before_and_a_delay_makes_it_later(tmp_path: Path) -> None:
    deployment = stored(tmp_path, dict.fromkeys(DAYS, SYMBOLS))
    friday = DAYS[4]
    opens = deployment.calendar.opens_at(DAYS[5])
    times = [_at(friday, 16), _at(friday, 21), _at(date(2021, 1, 9), 8, 59), _at(date(2021, 1, 9), 9), opens]
    events = pl.DataFrame({"symbol": "A", "time": times})
    found = as_of(events, ["GAIN3"], deployment=deployment)
    assert found["feature_session"].to_list() == [DAYS[3], DAYS[3], DAYS[3], friday, friday]
    assert found["feature_known_at"][-1] == _at(date(2021, 1, 9), 9)
    delayed = as_of(events, ["GAIN3"], deployment=deployment, delay=timedelta(minutes=1))
    assert delayed["feature_session"].to_list() == [DAYS[3], DAYS[3], DAYS[3], DAYS[3], friday]


def test_later_partitions_change_nothing(tmp_path: Path) -> None:
    """All that lies after what an event knew is lost, or noise: every event gets the same bits as before."""
    rows = {day: SYMBOLS[: 2 + i % 2] for i, day in enumerate(DAYS)}
    deployment = stored(tmp_path, rows)
    events = pl.DataFrame({"symbol": ["A", "C", "B"], "time": [_at(DAYS[6], 15)] * 3})
    before = as_of(events, ["moves"], deployment=deployment)
    assert before["feature_session"].to_list() == [DAYS[5], DAYS[5], DAYS[5]]
    noise = stored(tmp_path, dict.fromkeys(DAYS[6:], SYMBOLS), seed=1)
    assert as_of(events, ["moves"], deployment=noise).equals(before)
    for day in DAYS[6:]:
        shutil.rmtree(noise.warehouse.folder("moves", day))
    assert as_of(events, ["moves"], deployment=Deployment(noise.settings)).equals(before)


def _price(random: np.random.Generator) -> float:
    return float(np.round(random.uniform(10.0, 20.0), 2))


def _restating_market(root: Path, random: np.random.Generator) -> tuple[Deployment, dict[date, list[tuple[datetime, dict[str, float]]]]]:
    """Two symbols whose bars were restated at random times; of each session the closes, by when they were known."""
    days = small_market(root / "other").calendar.sessions(FIRST, date(2021, 1, 22))
    closes = {day: {symbol: _price(random) for symbol in "AB"} for day in days}
    rows = [(symbol, day, *[close] * 4, 1000.0) for day, of in closes.items() for symbol, close in of.items()]
    (root / "delivered").mkdir()
    pl.DataFrame(rows, schema=["symbol", "date", "open", "high", "low", "close", "volume"], orient="row").write_csv(
        root / "delivered" / "bars.csv"
    )
    source = {"kind": "files", "files": {"path": root / "delivered"}}
    deployment = market(root, {"moves": FAMILY}, source=source, bars={"profile": False, "max_rejected_share": 1.0})
    make_history(deployment, days[0], days[-1], RAW)
    warehouse, known = deployment.warehouse, {}
    for day in days:
        (stamp,) = warehouse.stamps("raw_bars", day)
        known[day] = [(time_of(stamp), closes[day])]
        if random.random() < 0.5:
            at = deployment.calendar.closes_at(day) + timedelta(hours=float(random.uniform(2, 150)))
            again = {symbol: _price(random) for symbol in "AB"}
            delivered, footer = warehouse.read("raw_bars", [day]), warehouse.footer("raw_bars", day)
            value = pl.col("symbol").replace_strict(again, return_dtype=delivered.schema["close"])
            restated = delivered.with_columns(value.alias(name) for name in ("open", "high", "low", "close"))
            versions = {"code_version": footer.code_version, "settings_version": footer.settings_version}
            warehouse.write_vintage("raw_bars", day, restated, known=at, **versions)
            known[day].append((at, again))
    make_history(deployment, days[0], days[-1], ["bars", "rejected_bars", "moves"])
    return deployment, known


def test_restatements_that_were_not_known_yet_are_in_no_feature(tmp_path: Path) -> None:
    """Closes are restated at random times; what each of many events gets is calculated by hand from what was known at its session's deadline."""
    random = np.random.default_rng(11)
    deployment, known = _restating_market(tmp_path, random)
    days, calendar, grace = list(known), deployment.calendar, timedelta(hours=deployment.settings.knowledge.grace_hours)
    since = {day: min(calendar.closes_at(day) + grace, calendar.opens_at(calendar.after(day))) for day in days}
    times = [since[days[3]] + timedelta(minutes=int(minutes)) for minutes in random.integers(0, 21 * 24 * 60, 300)]
    symbols = random.choice(["A", "B"], 300).tolist()
    found = as_of(pl.DataFrame({"symbol": symbols, "time": times}), ["GAIN3"], deployment=deployment, max_age_sessions=100)
    restated = 0
    for symbol, time, value in zip(symbols, times, found["GAIN3"], strict=True):
        session = max(day for day in days if since[day] <= time)
        now, then = (
            next((of[symbol] for at, of in reversed(known[day]) if at <= since[session]), known[day][0][1][symbol])
            for day in (session, days[days.index(session) - 3])
        )
        assert value == pytest.approx(now / then - 1, rel=1e-5, abs=1e-6)
        newest = known[session][-1][1][symbol] / known[days[days.index(session) - 3]][-1][1][symbol] - 1
        restated += abs(newest - value) > 1e-4
    assert restated > 50, "otherwise nothing was shown"


def test_a_row_under_the_ticker_before_counts_where_the_change_was_known(tmp_path: Path) -> None:
    """B is called Z from the 13th on. Where Z has no row yet, that of B counts for it, and none of B's for who takes that name later."""
    days = small_market(tmp_path / "other").calendar.sessions(FIRST, date(2021, 1, 15))
    deployment = renaming_market(tmp_path / "renamed", days)
    make_history(deployment, FIRST, days[-1], [*RAW, "moves"])
    for day in days:
        if day >= CHANGED:
            rows = deployment.warehouse.read("moves", [day]).filter(pl.col("symbol") != "Z")
            deployment.warehouse.write("moves", day, rows)
    events = pl.DataFrame({"symbol": ["Z", "B", "Z", "B", "A"], "session": [CHANGED] * 2 + [date(2021, 1, 12)] * 2 + [CHANGED]})
    found = as_of(events, ["moves"], deployment=deployment)
    assert found["feature_session"].to_list() == [date(2021, 1, 12), None, None, date(2021, 1, 12), CHANGED]
    assert found["feature_age_sessions"].to_list() == [1, None, None, 0, 0]
    assert found["feature_reason"].to_list() == [None, "too_old", "no_row", None, None]
    assert found["GAIN3"][0] == found["GAIN3"][3]


def test_features_of_several_families_are_of_one_session_and_in_the_order_that_was_asked_for(tmp_path: Path) -> None:
    other = '[features]\nREV1 = "1 - $close / Ref($close, 1)"\n'
    deployment = market(tmp_path, {"moves": FAMILY, "others": other})
    for name, factor, days in (("moves", "GAIN3", DAYS[:5]), ("others", "REV1", DAYS[2:])):
        for i, day in enumerate(days):
            values = {"GAIN3": float(i), "CALM5": 0.0} if name == "moves" else {factor: float(i)}
            frame = pl.DataFrame({"symbol": ["A"], "session": [day], **{key: [value] for key, value in values.items()}})
            deployment.warehouse.write(name, day, frame.cast(dict.fromkeys(values, pl.Float32)))
    events = pl.DataFrame({"symbol": ["A"] * 3, "session": [DAYS[1], DAYS[3], DAYS[7]], "REV": [1, 2, 3]})
    found = as_of(events, ["REV1", "moves.CALM5", "GAIN3"], deployment=deployment)
    assert found.columns[:6] == ["symbol", "session", "REV", "REV1", "CALM5", "GAIN3"]
    assert found.select("feature_session", "feature_reason", "REV1", "GAIN3").rows() == [
        (None, "before_history", None, None),
        (DAYS[3], None, 1.0, 3.0),
        (DAYS[4], None, 2.0, 4.0),
    ]


@pytest.mark.parametrize(
    ("events", "asked", "text"),
    [
        ({"symbol": ["A"], "time": [datetime(2021, 1, 5)]}, {}, r"no time zone.*replace_time_zone"),  # noqa: DTZ001 - what is refused
        ({"symbol": ["A"], "time": ["2021-01-05T10:00:00Z"]}, {}, r"of type String.*str.to_datetime"),
        ({"symbol": ["A"], "when": [1]}, {}, r"neither a column time nor a column session"),
        ({"symbol": ["A"], "session": ["2021-01-05"]}, {}, r"give dates"),
        ({"ticker": ["A"], "session": [DAYS[0]]}, {}, r"no column symbol, but ticker"),
        ({"symbol": [1], "session": [DAYS[0]]}, {}, r"give texts"),
        ({"symbol": ["A"], "session": [DAYS[0]], "GAIN3": [1.0]}, {}, r"column GAIN3 already"),
        ({"symbol": ["A"], "session": [DAYS[0]], "feature_reason": [""]}, {}, r"column feature_reason already"),
        ({"symbol": ["A"], "session": [DAYS[0]]}, {"features": ["GAIN4"]}, r"no feature 'GAIN4'.*did you mean GAIN3"),
        ({"symbol": ["A"], "session": [DAYS[0]]}, {"features": []}, r"no feature is named"),
        ({"symbol": ["A"], "session": [DAYS[0]]}, {"features": ["KMID"]}, r"nothing is stored of alpha158 yet: make it with ats run"),
        ({"symbol": ["A"], "session": [DAYS[0]]}, {"max_age_sessions": -1}, r"max_age_sessions is -1"),
        ({"symbol": ["A"], "session": [DAYS[0]]}, {"delay": timedelta(hours=-1)}, r"delay is"),
    ],
)
def test_what_is_refused_says_what_to_do(tmp_path: Path, events: dict[str, Any], asked: dict[str, Any], text: str) -> None:
    deployment = stored(tmp_path, {DAYS[0]: SYMBOLS})
    with pytest.raises(FeatureError, match=text):
        as_of(pl.DataFrame(events), **{"features": ["moves"], **asked}, deployment=deployment)


def test_a_warehouse_of_restated_history_is_refused_unless_it_is_meant(tmp_path: Path) -> None:
    deployment = stored(tmp_path, {DAYS[0]: SYMBOLS})
    restated = Deployment(
        deployment.settings.model_copy(update={"knowledge": deployment.settings.knowledge.model_copy(update={"mode": "restated"})})
    )
    events = pl.DataFrame({"symbol": ["A"], "session": [DAYS[0]]})
    with pytest.raises(FeatureError, match="restated=True"):
        as_of(events, ["moves"], deployment=restated)
    assert as_of(events, ["moves"], deployment=restated, restated=True)["feature_reason"].to_list() == [None]


def test_no_events_and_every_reason_is_told(tmp_path: Path) -> None:
    deployment = stored(tmp_path, {DAYS[0]: SYMBOLS})
    none = as_of(pl.DataFrame(schema={"symbol": pl.String, "session": pl.Date}), ["moves"], deployment=deployment)
    assert none.is_empty()
    assert none.schema["GAIN3"] == pl.Float32
    assert set(FEATURE_REASONS) == {"no_time", "no_symbol", "before_history", "too_old", "no_row"}
